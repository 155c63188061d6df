import type { Clock } from '../lib/clock.ts'
import { clientRemoved, tokenExpired, type Caller } from './caller.ts'
import { Unavailable } from './status.ts'

/** Part of a stream's life by which it may end earlier or later, so that streams opened together do not end together. */
const JITTER = 0.1

/** How often a token's end is held against the wall clock, which may be set while a stream is open. */
const RECHECK_MS = 60_000

/** How long streams last. */
export interface LifeLimits {
  clock: Clock
  /** In minutes, more or less. */
  streamMinutes: number
}

/**
 * Calls `end` once, with why, when a stream has lasted long enough, its caller's token has expired, or its client was removed; the call
 * given back prevents it.
 */
export function limitLife ({ clock, streamMinutes }: LifeLimits, { expiresAt, removed }: Caller, end: (why: Unavailable) => void): () => void {
  const cancels: (() => void)[] = []
  const cancel = (): void => { for (const one of cancels) one() }
  const finish = (why: Unavailable): void => {
    cancel()
    end(why)
  }
  cancels.push(clock.after(streamMinutes * 60_000 * (1 - JITTER + 2 * JITTER * Math.random()), () => { finish(aged()) }))
  if (expiresAt !== undefined) cancels.push(atWallTime(clock, expiresAt, () => { finish(tokenExpired()) }))
  if (removed !== undefined) {
    const leave = (): void => { finish(clientRemoved()) }
    removed.addEventListener('abort', leave, { once: true })
    cancels.push(() => { removed.removeEventListener('abort', leave) })
  }
  return cancel
}

/** Calls `callback` when the wall clock shows `time`, up to a minute late where it was set meanwhile. */
function atWallTime (clock: Clock, time: number, callback: () => void): () => void {
  let cancel = (): void => {}
  const wait = (): void => {
    const left = time - clock.now()
    cancel = clock.after(Math.min(left, RECHECK_MS), left <= RECHECK_MS ? check : wait)
  }
  const check = (): void => { if (clock.now() >= time) callback(); else wait() }
  wait()
  return () => { cancel() }
}

/** A stream has lasted long enough; clients renew their tokens and spread anew. */
function aged (): Unavailable {
  return new Unavailable('the stream has reached its age limit: connect again')
}
