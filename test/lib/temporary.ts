import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whoever ends what was begun for it: a test, or a round of torture. */
export interface Owner {
  teardown: (end: () => unknown) => void
}

/** A directory of the owner's own, removed with it. */
export function temporaryDirectory (owner: Owner): string {
  const path = mkdtempSync(join(tmpdir(), 'landfall-test-'))
  owner.teardown(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}
