import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../lib/agent.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

t.test('the story that the README tells, to the welcome text on the phone; and nothing twice', async t => {
  const folder = temporaryDirectory(t)
  const config = join(folder, 'small.yaml')
  const listen = `127.0.0.1:${await freePort()}`
  writeFileSync(config, JSON.stringify({ state_directory: join(folder, 'data'), control_socket: join(folder, 'control.sock'), listen, log: { level: 'warn' } }))
  /** Runs it until it has told all, and stops it as Ctrl-C does. */
  const run = async (): Promise<{ code: number | null, output: string }> => {
    const child = spawn(process.execPath, ['dist/agent/main.js', 'demo', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const hear = (text: string): void => {
      output += text
      if (output.includes('Serving until Ctrl-C.')) child.kill('SIGINT')
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear)
    return await new Promise(resolve => { child.on('close', code => { resolve({ code, output }) }) })
  }
  const lines = readFileSync('README.md', 'utf8').split('\n').filter(line => /✓ acknowledged|✉/.test(line)).map(line => line.trim())
  t.equal(lines.length, 9, 'the README tells it')
  const first = await run()
  t.equal(first.code, 0)
  for (const line of lines) t.ok(first.output.includes(line), line)
  const second = await run()
  t.equal(second.code, 0)
  t.match(second.output, /Nothing new: the agent knew all of it/)
  t.notMatch(second.output, /✉/)
})
