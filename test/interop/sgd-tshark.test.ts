import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ethernet, ipv4, tcp, type Ends } from '../generator/packet.ts'
import { pcap } from '../generator/pcap.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { RawPeer, until } from '../lib/raw-diameter.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { DELIVER, startLink, SUBMIT, submission } from '../sms/sgd-bench.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }
const FIELDS = [
  'diameter.cmd.code', 'diameter.flags', 'diameter.applicationId', 'diameter.Destination-Host', 'diameter.User-Name', 'diameter.SC-Address', 'diameter.SM-RP-UI',
  'diameter.TFR-Flags', 'diameter.SM-Delivery-Timer', 'diameter.MSISDN', 'diameter.Product-Name', 'gsm_sms.tp-mti', 'gsm_sms.sms_text', '_ws.malformed', '_ws.expert.message'
]

t.test('tshark reads in our CER, TFR and OFR what we meant', { timeout: 60_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { link } = startLink(t, new ManualClock(), { port: raw.port })
  const connection = await raw.connection()
  const sent = [(await connection.greet()).bytes]
  await until(() => link.up)
  void link.submit(submission({ more: true, resent: true }))
  sent.push((await connection.next()).bytes)
  void link.submit(submission({ direction: 'from-subscriber' }))
  sent.push((await connection.next()).bytes)

  let sequence = 1
  const file = join(temporaryDirectory(t), 'sent.pcap')
  writeFileSync(file, pcap(sent.map((bytes, i) => {
    const data = ethernet(ipv4(ENDS, 6, tcp(ENDS, sequence, bytes)))
    sequence += bytes.length
    return { time: Date.UTC(2026, 0, 1) + i, data }
  }), 1))
  const output = execFileSync('tshark', ['-n', '-r', file, '-T', 'fields', '-E', 'separator=|', '-E', 'occurrence=f', ...FIELDS.flatMap(field => ['-e', field])],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const rows = output.trimEnd().split('\n').map(line => Object.fromEntries(line.split('|').map((value, i) => [FIELDS[i]!, value]).filter(([, value]) => value !== '')))
  t.strictSame(rows, [
    { 'diameter.cmd.code': '257', 'diameter.flags': '0x80', 'diameter.applicationId': '0', 'diameter.Product-Name': 'Landfall' },
    {
      'diameter.cmd.code': '8388646',
      'diameter.flags': '0xd0',
      'diameter.applicationId': '16777313',
      'diameter.Destination-Host': 'mme.test.realm',
      'diameter.User-Name': '242010000000001',
      'diameter.SC-Address': '7409000000',
      'diameter.SM-RP-UI': DELIVER.toString('hex'),
      'diameter.TFR-Flags': '1',
      'diameter.SM-Delivery-Timer': '60',
      'gsm_sms.tp-mti': '0',
      'gsm_sms.sms_text': 'A😀'
    },
    {
      'diameter.cmd.code': '8388645',
      'diameter.flags': '0xc0',
      'diameter.applicationId': '16777313',
      'diameter.Destination-Host': 'smsc.test.realm',
      'diameter.User-Name': '242010000000001',
      'diameter.SC-Address': '7409000000f9',
      'diameter.SM-RP-UI': SUBMIT.toString('hex'),
      'diameter.MSISDN': '7409000010',
      'gsm_sms.tp-mti': '1',
      'gsm_sms.sms_text': 'STOP'
    }
  ])
})
