// On a virtual machine, whoever wakes a processor that was halted pays for it: an interrupt from one processor to another
// leaves the guest. A load on the same machine sleeps until it is answered, so that a server which is slower than its load
// would pay for each answer what no server on a network pays. Linux can have an idle processor look for work for a while
// before it halts (`guest_halt_poll_ns`, its documentation has it under "Guest halt polling"); waking it is free then.
import { readFileSync, writeFileSync } from 'node:fs'

const GOVERNOR = '/sys/devices/system/cpu/cpuidle/current_governor'
const PARAMETER = '/sys/module/haltpoll/parameters/guest_halt_poll_ns'
// What the kernel itself has where nobody says otherwise.
const POLL_NS = 200_000

/** Has idle processors look for work until this process ends; tells whether they do. */
export function pollBeforeHalt() {
  let before
  try {
    if (readFileSync(GOVERNOR, 'utf8').trim() !== 'haltpoll') return false
    before = readFileSync(PARAMETER, 'utf8').trim()
    if (Number(before) < POLL_NS) writeFileSync(PARAMETER, String(POLL_NS))
  } catch {
    // No such kernel, no such machine, or no right to it.
    return false
  }
  process.on('exit', () => writeFileSync(PARAMETER, before))
  // Without a listener these would end the process without that.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  return true
}
