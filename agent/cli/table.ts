import { printLine } from './output.ts'

/** Prints rows in columns; the first row holds the headings. */
export function printTable (rows: readonly string[][]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  for (const row of rows) printLine(row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd())
}
