import { readFileSync } from 'node:fs'
import { isMap, isSeq, LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { configSchema, type Config } from './schema.ts'
import { nearest } from './nearest.ts'

/** The configuration is wrong: every mistake at once, one line each, as `FILE:LINE:COLUMN: what and what to do`. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor (problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Reads a configuration file. Throws ConfigError, or the file system's error where it cannot be read. */
export function loadConfig (path: string): Config {
  return parseConfig(readFileSync(path, 'utf8'), path)
}

/** Reads a configuration from YAML text; `name` stands in error lines. */
export function parseConfig (text: string, name: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map(error => `${at(error.pos[0])}: ${error.message.split('\n')[0]}`))
  }
  const result = configSchema.safeParse(document.toJS() ?? {})
  if (result.success) return result.data
  throw new ConfigError(result.error.issues.flatMap(issue => describe(issue, document, at)))
}

type Locate = (offset: number) => string

function describe (issue: z.core.$ZodIssue, document: Document, at: Locate): string[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') return [`${at(offsetOf(document, issue.path))}: ${path.join('.')}: ${issue.message}`]
  return issue.keys.map(key => {
    const known = nearest(key, keysAt(path))
    const hint = known === undefined ? '' : `; did you mean "${known}"?`
    return `${at(keyOffset(document, issue.path, key))}: unknown key "${[...path, key].join('.')}"${hint}`
  })
}

/** Names that the schema knows below `path`. */
function keysAt (path: string[]): string[] {
  let schema: unknown = configSchema
  for (const key of path) schema = shapeOf(schema)[key]
  return Object.keys(shapeOf(schema))
}

/** What a schema of an object says of its keys, whatever is wrapped around it. */
function shapeOf (schema: unknown): Record<string, unknown> {
  if (schema instanceof z.ZodObject) return schema.shape
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return shapeOf(schema.def.innerType)
  return {}
}

function offsetOf (document: Document, path: readonly PropertyKey[]): number {
  const node = document.getIn(path as unknown[], true) as { range?: [number, number, number] } | undefined
  return node?.range?.[0] ?? 0
}

function keyOffset (document: Document, path: readonly PropertyKey[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path as unknown[], true)
  if (isSeq(map) || !isMap(map)) return 0
  const pair = map.items.find(item => String(item.key) === key)
  return (pair?.key as { range?: [number, number, number] } | undefined)?.range?.[0] ?? 0
}
