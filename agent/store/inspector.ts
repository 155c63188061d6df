import { inspectHere, type Depth } from './inspection.ts'

/** The child process of `inspect`: prints what it found as one JSON object in a line. */
const [directory, depth] = process.argv.slice(2)
let result
try {
  result = inspectHere(directory!, depth as Depth)
} catch (error) {
  result = { records: 0, problems: [error instanceof Error ? error.message : String(error)] }
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
