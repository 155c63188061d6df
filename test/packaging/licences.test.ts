import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { temporaryDirectory } from '../lib/temporary.ts'

/** Licences under which others may pass on the whole (SPDX identifiers). */
const ALLOWED = new Set(['MIT', 'MIT-0', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Unlicense', 'CC0-1.0', 'OLDAP-2.8'])

/** Licence files that speak of the GPL, and why nothing under it is in the package. */
const EXPLAINED: Record<string, () => boolean> = {
  // LZ4's library is BSD-2-Clause and its programs are GPL; lmdb holds the library only.
  'node_modules/lmdb/dependencies/lz4/LICENSE': () => readdirSync('node_modules/lmdb/dependencies/lz4').join() === 'LICENSE,lib'
}

/** One entry of package-lock.json. */
interface Entry { version: string, dev?: boolean, devOptional?: boolean, optional?: boolean, license?: string }

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> }

/** What ships: paths below node_modules. */
const shipped = Object.keys(packages).filter(path => path !== '' && packages[path]!.dev !== true && packages[path]!.devOptional !== true)

/** What a package says of itself, or the lock of one that is not for this machine; undefined when neither does. */
function licenceOf (path: string): string | undefined {
  const manifest = join(path, 'package.json')
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { license?: string }).license : packages[path]!.license
}

/** Whether an SPDX expression leaves a choice that is allowed. What is nested deeper than one pair of brackets is not understood, and not allowed. */
function allows (expression: string): boolean {
  const flat = expression.replace(/^\(([^()]*)\)$/, '$1')
  return flat.split(' OR ').some(choice => choice.split(' AND ').every(licence => ALLOWED.has(licence)))
}

t.test('everything that ships has a licence that lets it', async t => {
  t.ok(shipped.length > 40)
  for (const path of shipped) {
    const licence = licenceOf(path)
    // Binaries for other systems whose licence the lock does not know ship nowhere from here.
    if (licence === undefined && packages[path]!.optional === true && !existsSync(path)) continue
    t.ok(licence !== undefined && allows(licence), `${path}: ${licence}`)
  }
})

t.test('no licence file of what ships speaks of the GPL', async t => {
  for (const path of shipped.filter(path => existsSync(path))) {
    for (const file of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
      // Packages within have entries of their own.
      if (file.split('/').includes('node_modules') || !/(^|\/)(licen[sc]e|copying|notice)[^/]*$/i.test(file)) continue
      const name = join(path, file)
      const gpl = /GENERAL PUBLIC LICENSE|\bA?L?GPL/i.test(readFileSync(name, 'utf8'))
      if (gpl) t.ok(EXPLAINED[name]?.(), name)
    }
  }
})

t.test('a GPL package would be seen', async t => {
  t.match(packages['node_modules/diameter'], { dev: true }, 'it is for tests alone')
  t.notOk(shipped.includes('node_modules/diameter'))
  t.notOk(allows(licenceOf('node_modules/diameter')!), 'it is GPL')
  for (const expression of ['GPL-2.0-only', '(MIT AND GPL-3.0)', 'LGPL-3.0 AND MIT', 'SEE LICENSE IN x', '', '((MIT))']) t.notOk(allows(expression), expression)
  for (const expression of ['MIT', '(MIT OR GPL-3.0)', '(Apache-2.0 AND BSD-3-Clause)']) t.ok(allows(expression), expression)
})

t.test('the bill of materials lists what ships, and nothing else', async t => {
  const file = join(temporaryDirectory(t), 'sbom.cdx.json')
  await promisify(execFile)('make', ['sbom', `SBOM=${file}`])
  const { bomFormat, metadata, components } = JSON.parse(readFileSync(file, 'utf8')) as
    { bomFormat: string, metadata: { component: { name: string } }, components: { name: string, version: string }[] }
  t.same([bomFormat, metadata.component.name], ['CycloneDX', 'landfall'])
  const names = shipped.map(path => `${path.split('node_modules/').at(-1)}@${packages[path]!.version}`)
  t.same([...new Set(components.map(({ name, version }) => `${name}@${version}`))].sort(), [...new Set(names)].sort())
})
