/** Lets the event loop turn until a condition holds; what bounds it is the test's own time limit. */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => { setImmediate(resolve) })
}

/** Lets the event loop turn a few times: what was on its way over loopback has then arrived, if it was written at all. */
export async function turns (count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => { setImmediate(resolve) })
}
