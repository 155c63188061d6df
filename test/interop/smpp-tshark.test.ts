import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TON } from '../../agent/sms/address.ts'
import type { Submission } from '../../agent/sms/link.ts'
import { BIND_COMMAND, bindBody } from '../../agent/sms/smpp/bind.ts'
import { COMMAND } from '../../agent/sms/smpp/codes.ts'
import { messageBody, type Message } from '../../agent/sms/smpp/message.ts'
import { pduBytes } from '../../agent/sms/smpp/pdu.ts'
import { submitMessage } from '../../agent/sms/smpp/submit.ts'
import { ethernet, ipv4, tcp, type Ends } from '../generator/packet.ts'
import { pcap } from '../generator/pcap.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { concatenated, submission } from '../sms/submissions.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 2775 }
const WISHES = { shortCode: { ton: 6, npi: 0 }, defaultAlphabet: 'gsm7' } as const

/** What tshark finds in the frames, one row each: the first of every field, numbers in decimal. */
function tsharkRows (directory: string, pdus: Uint8Array[], fields: string[]): string[][] {
  const file = join(directory, 'smpp.pcap')
  let sequence = 1
  const frames = pdus.map((pdu, i) => {
    const data = ethernet(ipv4(ENDS, 6, tcp(ENDS, sequence, pdu)))
    sequence += pdu.length
    return { time: Date.UTC(2026, 0, 1) + i, data }
  })
  writeFileSync(file, pcap(frames))
  const output = execFileSync('tshark', ['-n', '-r', file, '-d', 'tcp.port==2775,smpp', '-T', 'fields', '-E', 'separator=|', '-E', 'occurrence=f',
    ...fields.flatMap(field => ['-e', field])], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return output.split('\n').filter(line => line !== '').map(line => line.split('|').map(value => /^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value.replaceAll(':', '')))
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fragment = (header: string, body: string): Submission['fragment'] => ({ header: Buffer.from(header, 'hex'), body: Buffer.from(body, 'hex') })

/** Submissions, and the data_coding, dest_addr_subunit, source TON and NPI that they must have on the wire. */
const CASES: [Partial<Submission>, number, string, [number, number]][] = [
  [{}, 0x00, '', [6, 0]],
  [{ from: { ton: TON.international, value: '4790000002' }, pid: 0x41 }, 0x00, '', [1, 1]],
  [{ from: { ton: TON.alphanumeric, value: 'Bank 24/7' }, dcs: 0x10 }, 0xf0, '', [5, 0]],
  [{ from: { ton: TON.national, value: '90000002' }, validForMs: 61_000 }, 0x00, '', [2, 1]],
  [{ fragment: { header: concatenated(3, 2), body: Buffer.from('\x00\x1b\x65') } }, 0x00, '', [6, 0]],
  [{ alphabet: 'ucs2', dcs: 0x08, fragment: fragment('', '0041d83dde00') }, 0x08, '', [6, 0]],
  [{ alphabet: 'ucs2', dcs: 0x18, fragment: fragment('', '00e6') }, 0x08, '1', [6, 0]],
  [{ alphabet: '8bit', dcs: 0x04, fragment: fragment('06050405450545', '00ff') }, 0x04, '', [6, 0]],
  [{ alphabet: '8bit', dcs: 0x16, pid: 0x7f, fragment: fragment('027000', '2815') }, 0xf6, '', [6, 0]],
  [{ alphabet: '8bit', dcs: 0xf5, fragment: fragment('0b05040545054500032a0201', 'ab'.repeat(128)) }, 0xf5, '', [6, 0]]
]

t.test('tshark reads every submit_sm as it was meant', async t => {
  const submissions = CASES.map(([wish]) => submission(wish))
  const pdus = submissions.map((wish, i) => pduBytes({ command: COMMAND.submitSm, sequence: i + 1, body: messageBody(submitMessage(wish, WISHES) as Message)! }))
  const fields = ['command_id', 'sequence_number', 'service_type', 'source_addr_ton', 'source_addr_npi', 'source_addr', 'dest_addr_ton', 'dest_addr_npi', 'destination_addr',
    'esm.submit.msg_mode', 'esm.submit.msg_type', 'esm.submit.features', 'protocol_id', 'priority_flag', 'schedule_delivery_time', 'validity_period_r', 'regdel.receipt',
    'replace_if_present_flag', 'data_coding', 'sm_default_msg_id', 'sm_length', 'message', 'dest_addr_subunit'].map(field => `smpp.${field}`)
  const rows = tsharkRows(temporaryDirectory(t), pdus, [...fields, 'gsm_sms.udh.mm.msg_parts', 'gsm_sms.udh.mm.msg_part', '_ws.malformed'])
  t.equal(rows.length, CASES.length)
  for (const [i, [, coding, subunit, [ton, npi]]] of CASES.entries()) {
    const { from, pid, validForMs, fragment: { header, body } } = submissions[i]!
    const concatenation = header.indexOf(0x2a)
    const parts = concatenation < 0 ? ['', ''] : [String(header[concatenation + 1]), String(header[concatenation + 2])]
    const seconds = String(validForMs / 1_000)
    t.same(rows[i]!.map(value => value.replace(/^(\d+)\.0+$/, '$1')), [
      '4', String(i + 1), '(Default)', String(ton), String(npi), from.value, '1', '1', '4790000001',
      '0', '0', header.length > 0 ? '1' : '0', String(pid), '0', '', seconds, '1',
      '0', String(coding), '0', String(header.length + body.length), hex(Buffer.concat([header, body])), subunit, ...parts, ''
    ], JSON.stringify(CASES[i]![0]))
  }
})

t.test('tshark reads every bind as it was meant', async t => {
  const body = bindBody({ systemId: 'edge', password: 'secret', systemType: 'landfall' })!
  const pdus = Object.values(BIND_COMMAND).map((command, i) => pduBytes({ command, sequence: i + 1, body }))
  const fields = ['command_id', 'system_id', 'password', 'system_type', 'interface_version', 'addr_ton', 'addr_npi', 'address_range'].map(field => `smpp.${field}`)
  t.same(tsharkRows(temporaryDirectory(t), pdus, [...fields, '_ws.malformed']), [2, 1, 9].map(command => [String(command), 'edge', 'secret', 'landfall', '52', '0', '0', '', '']))
})
