import mccMncList from 'mcc-mnc-list'
import t from 'tap'
import { COUNTRY_OF_MCC, COUNTRY_OF_PLMN } from '../../agent/location/country-table.ts'
import { countryName, countryOf } from '../../agent/location/countries.ts'
import { isPlmn, mccOf } from '../../agent/location/plmn.ts'

/** Its types promise a country in every row; international networks have none. */
const rows = mccMncList.all() as { mcc: string, mnc: string, countryCode: string | null }[]

t.test('a PLMN is five or six digits', async t => {
  for (const plmn of ['24201', '310026', '00101']) t.ok(isPlmn(plmn), plmn)
  for (const text of ['', '2420', '2420100', '242-1', '2420x', '２４２０１', ' 24201']) t.notOk(isPlmn(text), text)
  t.equal(mccOf('310026'), '310')
})

t.test('the country of a network', async t => {
  const examples: [string, string | undefined][] = [
    ['24201', 'NO'], ['24001', 'SE'], ['310260', 'US'], ['31026', 'US'], ['310026', 'US'], ['23415', 'GB'], ['23450', 'JE'], ['23455', 'GG'],
    ['23458', 'IM'], ['310370', 'GU'], ['310110', 'MP'], ['311780', 'AS'], ['33011', 'PR'], ['42501', 'IL'], ['42505', 'PS'], ['50510', 'NF'],
    ['22101', 'XK'], ['28967', 'GE'], ['22501', 'VA'], ['40600', 'IN'], ['43002', 'AE'], ['64701', 'YT'], ['64700', 'RE'],
    ['90170', undefined], ['00101', undefined], ['99999', undefined], ['11111', undefined], ['242', undefined], ['', undefined], ['2420A', undefined]
  ]
  for (const [plmn, country] of examples) t.equal(countryOf(plmn), country, plmn)
})

t.test('an exception is matched whole, never by its beginning', async t => {
  t.equal(countryOf('42505'), 'PS')
  t.equal(countryOf('425050'), 'IL')
  t.equal(countryOf('425005'), 'IL')
  t.equal(countryOf('31059'), 'BM')
  t.equal(countryOf('310590'), 'US')
})

t.test('the tables are well formed, and every code is a country with a name', async t => {
  t.ok(COUNTRY_OF_MCC.size >= 235, `${COUNTRY_OF_MCC.size} country codes`)
  for (const [mcc, country] of COUNTRY_OF_MCC) {
    if (!/^[2-7]\d\d$/.test(mcc) || !/^[A-Z]{2}$/.test(country) || countryName(country) === country) t.fail(`${mcc} ${country}`)
  }
  for (const [plmn, country] of COUNTRY_OF_PLMN) {
    const byMcc = COUNTRY_OF_MCC.get(mccOf(plmn))
    if (!isPlmn(plmn) || byMcc === undefined || byMcc === country || countryName(country) === country) t.fail(`${plmn} ${country}`)
  }
  t.equal(new Set(COUNTRY_OF_MCC.values()).size > 215, true)
})

t.test('a name is for showing, and there is always one', async t => {
  t.equal(countryName('NO'), 'Norway')
  t.equal(countryName('XK'), 'Kosovo')
  t.equal(countryName('QQ'), 'QQ')
  t.equal(countryName(''), '')
  t.equal(countryName('not a code'), 'not a code')
})

/**
 * Where the independent list says otherwise, and why we do not follow it. Where it names several countries for one network (as for 270-77 in
 * Luxembourg and Belgium, 310-260 in the US and Puerto Rico) ours must be among them.
 */
const DEVIATIONS: Record<string, string> = {
  25598: 'the list has RU for a network in occupied Ukraine; ITU assigns 255 to Ukraine',
  338050: 'the list has BM and TC, whose networks use the number beside Jamaica; ITU assigns it to Jamaica'
}

/** Assigned by ITU and missing in the list. */
const MISSING_IN_LIST = ['225', '332', '406', '430', '431', '461']

/** In the list and no country: tests, international, private. 995 is not assigned by ITU. */
const NO_COUNTRY = ['001', '901', '902', '991', '995', '999']

t.test('agrees with an independent list, but for what is named here', async t => {
  const listed = new Map<string, Set<string>>()
  for (const { mcc, mnc, countryCode } of rows) {
    if (!/^\d{2,3}$/.test(mnc)) continue
    // "AU/CC/CX" stands for several countries, "GE-AB" for a region of one.
    const codes = (countryCode ?? '').split('/').map(code => code.slice(0, 2))
    const plmn = mcc + mnc
    listed.set(plmn, new Set([...listed.get(plmn) ?? [], ...codes]))
  }
  const deviating = new Set<string>()
  let compared = 0
  for (const [plmn, codes] of listed) {
    compared++
    if (!codes.has(countryOf(plmn) ?? '')) deviating.add(plmn)
  }
  t.ok(compared > 2_500, `${compared} networks`)
  t.same([...deviating].sort(), Object.keys(DEVIATIONS))
  const mccs = new Set(rows.map(({ mcc }) => mcc))
  t.same([...COUNTRY_OF_MCC.keys()].filter(mcc => !mccs.has(mcc)), MISSING_IN_LIST)
  t.same([...mccs].filter(mcc => !COUNTRY_OF_MCC.has(mcc)).sort(), NO_COUNTRY)
})
