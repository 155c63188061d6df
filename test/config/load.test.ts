import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { ConfigError, loadConfig, parseConfig } from '../../agent/config/load.ts'
import { configSchema } from '../../agent/config/schema.ts'

/** The lines of a ConfigError. */
function problemsOf (text: string): readonly string[] {
  try {
    parseConfig(text, 'x.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

t.test('an empty file is all defaults', async t => {
  t.same(parseConfig('', 'x.yaml'), configSchema.parse({}))
})

t.test('the commented example shows every setting with its default', async t => {
  const text = readFileSync('config/landfall.yaml', 'utf8')
  t.same(parse(text), configSchema.parse({}))
})

t.test('the small configuration is sound', async t => {
  t.equal(loadConfig('config/small.yaml').state_directory, 'data')
})

t.test('every mistake is named at once, with its place', async t => {
  const problems = problemsOf([
    'listen: 0.0.0.0:7118',
    'capture:',
    '  ports: [3868, 70000]',
    '  prts: [1]',
    'log:',
    '  level: loud'
  ].join('\n'))
  t.equal(problems.length, 4)
  t.match(problems.find(line => line.includes('listen')), /^x\.yaml:1:9: listen: must be a loopback address/)
  t.match(problems.find(line => line.includes('ports.1')), /^x\.yaml:3:17: capture\.ports\.1: /)
  t.match(problems.find(line => line.includes('prts')), 'x.yaml:4:3: unknown key "capture.prts"; did you mean "ports"?')
  t.match(problems.find(line => line.includes('level')), /^x\.yaml:6:10: log\.level: /)
})

t.test('an unknown key that resembles nothing has no suggestion', async t => {
  t.same(problemsOf('zzzzzz: 1'), ['x.yaml:1:1: unknown key "zzzzzz"'])
})

t.test('a home country is two letters or none', async t => {
  t.equal(parseConfig('tracker: { home_country: NO }', 'x').tracker.home_country, 'NO')
  t.equal(problemsOf('tracker: { home_country: Norway }').length, 1)
})

t.test('what is not YAML is named with its place', async t => {
  t.match(problemsOf('log: [1')[0], /^x\.yaml:1:\d+: /)
})
