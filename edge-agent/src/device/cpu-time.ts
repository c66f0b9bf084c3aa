import { readFileSync } from "node:fs";

/** Time of all processors together since boot, in clock ticks (USER_HZ, 100 a second on every Linux platform of Node). */
export interface CpuTime {
  readonly busy: number;
  readonly total: number;
  /** The part of `busy` that processes and kernel threads took; the rest went to interrupts. */
  readonly tasks: number;
  /** Processors of the machine, whichever of them this process may use. */
  readonly cores: number;
}

export const TICKS_PER_SECOND = 100;

/**
 * Reads `/proc/stat` (proc_stat(5)), whose first line sums all processors: user, nice, system, idle, iowait, irq, softirq, steal; guest time is
 * already part of user. Time stolen by a hypervisor is neither busy nor ours, so it is left out.
 */
export function readCpuTime(root = ""): CpuTime {
  const text = readFileSync(`${root}/proc/stat`, "latin1");
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = text
    .slice(0, text.indexOf("\n"))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const tasks = user + nice + system;
  const busy = tasks + irq + softirq;
  return { busy, tasks, total: busy + idle + iowait, cores: text.match(/^cpu\d/gm)?.length ?? 1 };
}
