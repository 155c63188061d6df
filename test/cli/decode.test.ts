import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import t from 'tap'
import { jsonLines, landfall } from '../lib/cli.ts'

/** Captures of others, beside the checkout: they are read from there and are not part of the project. */
const CAPTURES = join('..', 'shared', 'captures')

t.test('the corpus: every message as an independent decoder has it, on every key that both have', async t => {
  if (!existsSync(CAPTURES)) {
    t.comment(`there is no ${CAPTURES}: the corpus was not compared`)
    t.not(process.env['CI'], 'true', 'CI has the corpus')
    return
  }
  const files = readdirSync(CAPTURES).filter(name => /\.pcap(ng)?$/.test(name))
  t.ok(files.length > 10)
  for (const name of files) {
    const { code, stdout } = await landfall(['decode', join(CAPTURES, name)])
    const decoded = jsonLines(stdout)
    const expected = jsonLines(readFileSync(join(CAPTURES, `${name}.expected.jsonl`), 'utf8'))
    t.equal(code, 0)
    t.equal(decoded.length, expected.length, `${name}: ${expected.length} messages`)
    const differences = expected.flatMap((line, i) => Object.keys(line)
      .filter(key => key in (decoded[i] ?? {}) && decoded[i]![key] !== line[key])
      .map(key => `line ${i + 1}: ${key} is ${decoded[i]![key]}, expected ${line[key]}`))
    t.same(differences, [], `${name}: all values agree`)
    // Keys that link frames; and the number of a Subscription-Id, which Gx and Gy have, is text that we show as no number.
    const facts = new Set(['avpCodes', 'answerIn', 'answerTo', 'msg', 'malformed'])
    const missing = expected.flatMap((line, i) => Object.keys(line)
      .filter(key => !facts.has(key) && !(key === 'msisdn' && !('msisdnHex' in line)) && !(key in (decoded[i] ?? {})))
      .map(key => `line ${i + 1}: ${key}`))
    t.same(missing, [], `${name}: nothing is missing`)
  }
})

t.test('reads standard input and gzip', async t => {
  const bytes = readFileSync('config/welcome.pcap')
  const plain = await landfall(['decode', 'config/welcome.pcap'])
  t.equal(jsonLines(plain.stdout).length, 20)
  t.match(plain.stderr, /^20 Diameter messages\n$/)
  t.equal((await landfall(['decode', '-'], bytes)).stdout, plain.stdout)
  t.equal((await landfall(['decode', '-'], gzipSync(bytes))).stdout, plain.stdout)
})

t.test('a capture cut short keeps what came before, and says so', async t => {
  const { code, stdout, stderr } = await landfall(['decode', '-'], readFileSync('config/welcome.pcap').subarray(0, -10))
  t.equal(code, 0)
  t.equal(jsonLines(stdout).length, 19)
  t.match(stderr, /capture\.cut-short: 1/)
})

t.test('wrong use is one line that says what to do', async t => {
  for (const [args, code, line] of [
    [['decode'], 64, /name a capture file/],
    [['decode', 'nowhere.pcap'], 66, /cannot read nowhere\.pcap: there is no such file/],
    [['decode', 'test'], 66, /it is a folder/],
    [['decode', 'package.json'], 65, /package\.json: this is not a pcap or pcapng file.*begins with 7b 0a/],
    [['decode', '--wat'], 64, /--wat/],
    [['decoed'], 64, /did you mean "decode"/],
    [['decode', '--port', 'x', 'f'], 64, /--port is a number/]
  ] as const) {
    const run = await landfall(args)
    t.equal(run.code, code)
    t.match(run.stderr, line)
    t.equal(run.stderr.trim().split('\n').length, 1)
    t.equal(run.stdout, '')
  }
})
