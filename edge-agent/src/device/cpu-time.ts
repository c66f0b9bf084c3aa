import { readFileSync } from "node:fs";

/** Time of all processors together since boot, in clock ticks (USER_HZ, 100 a second on every Linux platform of Node). */
export interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

export const TICKS_PER_SECOND = 100;

/**
 * Reads the first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal; guest time is
 * already part of user. Time stolen by a hypervisor is neither busy nor ours, so it is left out.
 */
export function readCpuTime(root = ""): CpuTime {
  const line = readFileSync(`${root}/proc/stat`, "latin1").split("\n", 1)[0] ?? "";
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, total: busy + idle + iowait };
}
