import { spawn } from 'node:child_process'

/** How a run of the command line ended. */
export interface CliRun { code: number | null, stdout: string, stderr: string }

/** Runs the built `landfall` with arguments, and input where there is one. */
export async function landfall (args: readonly string[], input?: Uint8Array): Promise<CliRun> {
  const child = spawn(process.execPath, ['dist/agent/main.js', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', text => { stderr += text })
  child.stdin.end(input)
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => { resolve({ code, stdout, stderr }) })
  })
}

/** The JSON objects of an output, one a line. */
export function jsonLines (text: string): Record<string, unknown>[] {
  return text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>)
}
