import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'
import { freePort, startProgram } from './program.ts'

/** A message as the service centre keeps it. */
export interface StoredMessage {
  src_addr: string
  src_ton: number
  src_npi: number
  dest_addr: string
  dest_ton: number
  dest_npi: number
  protocol_id: number
  data_coding_scheme: number
  ud_hdr_ind: number
  status_rep_req: number
  /** Seconds that it is kept. */
  seconds: number
  /** TP-UD, packed by the service centre, in hexadecimal. */
  user_data: string
}

const COLUMNS = 'src_addr, src_ton, src_npi, dest_addr, dest_ton, dest_npi, protocol_id, data_coding_scheme, ud_hdr_ind, status_rep_req, ' +
  "strftime('%s', valid_until) - strftime('%s', created) as seconds, hex(user_data) as user_data"

/** Osmocom's MSC: a service centre that speaks SMPP by code that is not ours, and packs what it takes for the phone. It knows `edge` by `secret`. */
export class OsmoMsc {
  readonly port: number
  readonly #directory: string

  private constructor (directory: string, port: number) {
    this.#directory = directory
    this.port = port
  }

  static async start (owner: Owner): Promise<OsmoMsc> {
    const msc = new OsmoMsc(temporaryDirectory(owner), await freePort())
    const at = (name: string): string => join(msc.#directory, name)
    execFileSync('gcc', ['-shared', '-fPIC', '-o', at('nosctp.so'), 'test/peers/osmo-msc/nosctp.c', '-ldl'])
    const configuration = readFileSync('test/peers/osmo-msc/osmo-msc.cfg', 'utf8')
    writeFileSync(at('osmo-msc.cfg'), configuration.replace('SMPP_PORT', String(msc.port)).replace('SGS_PORT', String(await freePort())))
    const env = { LD_PRELOAD: at('nosctp.so'), TZ: 'UTC' }
    await startProgram(owner, { command: 'osmo-msc', args: ['-c', 'osmo-msc.cfg'], cwd: msc.#directory, env, ready: 'Iu-interface: SCCP user' })
    return msc
  }

  /** What it took, in its order. */
  stored (): StoredMessage[] {
    const rows = execFileSync('sqlite3', ['-json', '-readonly', join(this.#directory, 'sms.db'), `select ${COLUMNS} from SMS order by id`], { encoding: 'utf8' })
    return JSON.parse(rows === '' ? '[]' : rows) as StoredMessage[]
  }
}
