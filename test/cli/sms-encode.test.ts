import t from 'tap'
import { decodeTpdu } from '../../agent/sms/tpdu-decoder.ts'
import type { Deliver, Submit } from '../../agent/sms/tpdu.ts'
import { landfall } from '../lib/cli.ts'

interface Printed { alphabet: string, fragments: number, tpdus: string[] }

const SCTS = '2026-11-23T03:00:00Z'

async function encode (...args: string[]): Promise<Printed> {
  const { code, stdout, stderr } = await landfall(['sms', 'encode', ...args])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Printed
}

t.test('a text to a subscriber', async t => {
  t.same(await encode('--from', '+4799999999', '--to', '+4790000001', '--text', 'Hello {world} €', '--scts', SCTS),
    { alphabet: 'gsm7', fragments: 1, tpdus: ['040a91749999999900006211323000000012c8329bfd066d50f7b79c4ddea4409b32'] })
  t.same(await encode('--from', 'EDGE', '--to', '+4790000001', '--text', 'A😀', '--scts', '2026-11-23T03:00:00-03:30', '--class', '0', '--pid', '65'),
    { alphabet: 'ucs2', fragments: 1, tpdus: ['0407d045e2b108411862113230000049060041d83dde00'] })
  t.same(await encode('--from', '2442', '--to', '1234', '--text=-', '--scts', '2026-11-23T03:00'), { alphabet: 'gsm7', fragments: 1, tpdus: ['0404814224000062113230000000012d'] })
})

t.test('a text that is cut: more waits until the last, the reference has the size that was asked for', async t => {
  const message = 'a'.repeat(159) + '€'
  for (const [args, reference] of [[['--ref', '200'], { reference: 200, bits: 8 }], [['--ref', '4660', '--ref16'], { reference: 0x1234, bits: 16 }]] as const) {
    const { alphabet, fragments, tpdus } = await encode('--from', '2442', '--to', '+4790000001', '--text', message, ...args)
    const decoded = tpdus.map(tpdu => decodeTpdu(Buffer.from(tpdu, 'hex'), 'to-phone') as Deliver)
    t.same([alphabet, fragments, tpdus.length], ['gsm7', 2, 2])
    t.same(decoded.map(({ more }) => more), [true, false])
    t.same(decoded.map(({ userData }) => userData.elements.concatenation), [{ ...reference, total: 2, part: 1 }, { ...reference, total: 2, part: 2 }])
    t.equal(decoded.map(({ userData }) => userData.text).join(''), message)
    t.ok(decoded.every(({ time }) => Math.abs(time!.time - Date.now()) < 60_000), 'it is stamped now')
  }
})

t.test('data', async t => {
  const tpdus = async (...args: string[]): Promise<string[]> => (await encode('--from', 'EDGE', '--to', '+4790000001', '--scts', SCTS, ...args)).tpdus
  t.same(await tpdus('--data', '0102', '--class', '1', '--dcs-group', 'class'), ['0407d045e2b10800f562113230000000020102'])
  t.same(await tpdus('--data', '0102', '--class', '1', '--dcs-group', 'general'), ['0407d045e2b108001562113230000000020102'])
  t.same(await tpdus('--data', '00281506', '--cpi', '--class', '2', '--dcs-group', 'class', '--pid', '127'), ['4407d045e2b1087ff6621132300000000702700000281506'])
  t.same(await tpdus('--data', 'aB', '--port', '80:5000'), ['4407d045e2b108000462113230000000080605041388' + '0050ab'])
  const { alphabet, fragments } = await encode('--from', 'EDGE', '--to', '1', '--data', '00'.repeat(134), '--port', '0:65535')
  t.same([alphabet, fragments], ['8bit', 2])
})

t.test('a message that a subscriber sends: valid for seven days, each fragment with its own reference', async t => {
  t.same(await encode('--from', '+4790000001', '--to', '2442', '--text', 'STOP', '--submit'), { alphabet: 'gsm7', fragments: 1, tpdus: ['1100048142240000ad0453ea130a'] })
  const { tpdus } = await encode('--to', '2442', '--text', 'я'.repeat(71), '--submit', '--ref', '255')
  const decoded = tpdus.map(tpdu => decodeTpdu(Buffer.from(tpdu, 'hex'), 'from-phone') as Submit)
  t.same(decoded.map(({ reference, dcs, validity }) => ({ reference, dcs, validity })), [255, 0].map(reference => ({ reference, dcs: 8, validity: { kind: 'relative', ms: 7 * 86_400_000 } })))
})

t.test('wrong use is one line that says what to do', async t => {
  const to = ['--to', '+4790000001']
  const whole = [...to, '--from', '2442', '--text', 'a']
  for (const [args, line] of [
    [[], /say what to do: landfall sms .*encode --from A --to B/],
    [['constructor'], /say what to do/],
    [['encode', ...whole, '--wat'], /--wat.*: landfall sms .*encode/],
    [['encode', ...whole, 'more'], /landfall sms .*encode/],
    [['encode', ...to, '--from', '2442', '--text', '-x'], /'--text' argument is ambiguous: landfall sms .*encode/],
    [['encode', ...to, '--text', 'a'], /--from is missing: give a number/],
    [['encode', '--from', '2442', '--text', 'a'], /--to is missing: give a number/],
    [['encode', ...to, '--from', 'A{b}', '--text', 'a'], /--from has a character that a name cannot have/],
    [['encode', '--from', '2442', '--to', '+47 90', '--text', 'a'], /--to has something else than digits/],
    [['encode', '--from', '2442', '--to', 'Name', '--text', 'a'], /--to is a name.*give a number/],
    [['encode', ...to, '--submit', '--from', '+', '--text', 'a'], /--from has something else/],
    [['encode', ...to, '--from', '2442'], /give either --text or --data/],
    [['encode', ...whole, '--data', '00'], /give either --text or --data/],
    [['encode', ...to, '--from', '2442', '--data', '012'], /--data is hexadecimal/],
    [['encode', ...to, '--from', '2442', '--data', ''], /--data is hexadecimal/],
    [['encode', ...to, '--from', '2442', '--data', '01', '--dcs-group', 'x'], /"general" or "class"/],
    [['encode', ...to, '--from', '2442', '--data', '01', '--dcs-group', 'class'], /needs --class/],
    [['encode', ...to, '--from', '2442', '--data', '00'.repeat(138), '--cpi'], /holds 137 octets/],
    [['encode', ...to, '--from', '2442', '--text', 'a'.repeat(40_000)], /at most 255 fragments/],
    [['encode', ...whole, '--dcs-group', 'general'], /--dcs-group is for --data/],
    [['encode', ...whole, '--class', '4'], /--class is a number from 0 to 3/],
    [['encode', ...whole, '--pid', '256'], /--pid is a number from 0 to 255/],
    [['encode', ...whole, '--ref', '256'], /--ref is a number from 0 to 255; --ref16 allows up to 65535/],
    [['encode', ...whole, '--ref', '65536', '--ref16'], /--ref is a number from 0 to 65535/],
    [['encode', ...whole, '--port', '1'], /--port is SOURCE:DESTINATION/],
    [['encode', ...whole, '--port', '1:65536'], /--port is SOURCE:DESTINATION/],
    [['encode', ...whole, '--scts', 'today'], /--scts is a time such as/],
    [['encode', ...whole, '--scts', '2026-11-23T03:00:00+01:10'], /whole quarters/],
    [['encode', ...whole, '--scts', SCTS, '--submit'], /leave it or --submit out/]
  ] as const) {
    const run = await landfall(['sms', ...args])
    t.equal(run.code, 64)
    t.match(run.stderr, line)
    t.equal(run.stderr.trim().split('\n').length, 1)
    t.equal(run.stdout, '')
    t.notMatch(run.stderr, /479000|2442/, 'no number is repeated')
  }
})
