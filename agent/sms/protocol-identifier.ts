/** Values of TP-PID with a meaning here (TS 23.040 clause 9.2.3.9). */
const PID = { silent: 0x40, replaceFirst: 0x41, replaceLast: 0x47, deviceFirst: 0x7c, deviceLast: 0x7f } as const

/** Whether a message takes the place of one that the phone has. */
export function isReplace (pid: number): boolean {
  return pid >= PID.replaceFirst && pid <= PID.replaceLast
}

/** Whether a message is not for the person: silent, or for handset or SIM to work on. */
export function isSpecial (pid: number): boolean {
  return pid === PID.silent || (pid >= PID.deviceFirst && pid <= PID.deviceLast)
}
