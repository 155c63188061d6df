import { inspectHere, type Depth } from './inspection.ts'

/** The child process of `inspect`: prints what it found as one JSON object in a line. Whoever started it ends it. */
const [directory, depth] = process.argv.slice(2)
let result
try {
  result = await inspectHere(directory!, depth as Depth)
} catch (error) {
  result = { records: 0, problems: [error instanceof Error ? error.message : String(error)] }
}
process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0))
