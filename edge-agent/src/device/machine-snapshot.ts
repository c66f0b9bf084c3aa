import { readFact } from "./board.ts";
import { readCpuTime } from "./cpu-time.ts";
import { readFrequencyPolicies, type FrequencyPolicy } from "./frequency.ts";
import { readProcessTicks } from "./process-time.ts";
import { readTemperatureC } from "./temperature.ts";
import type { ThrottlingState } from "./throttling.ts";

/** State of the machine at an edge of a window; what it has no sensor for is `null` or absent. */
export interface MachineSnapshot {
  /** The firmware's throttling bits. */
  readonly throttled: number | null;
  /** Why they are not known on a board that has them. */
  readonly throttlingUnread?: string;
  readonly temperatureC?: number;
  readonly policies?: readonly FrequencyPolicy[];
  /** Pages swapped in and out since boot. */
  readonly swap?: { readonly pagesIn: number; readonly pagesOut: number };
  readonly cpu?: CpuShares;
}

/** Who used the processors since boot, in clock ticks. */
export interface CpuShares {
  /** All processors together, idle or not. */
  readonly total: number;
  /** Of that, processes and kernel threads; interrupts are left out, since nobody can say whose they are. */
  readonly tasks: number;
  /** Of that, processes of this measurement, by process id. */
  readonly own: ReadonlyMap<number, number>;
}

/** Reads some twenty small files of `/proc` and `/sys`: a few milliseconds, so outside windows. @param pids of this measurement */
export function readMachine(root: string, pids: readonly number[], throttling: ThrottlingState): MachineSnapshot {
  const temperatureC = readTemperatureC(root);
  const swap = readSwap(root);
  return {
    throttled: throttling.bits,
    ...(throttling.unread === undefined ? {} : { throttlingUnread: throttling.unread }),
    ...(temperatureC === undefined ? {} : { temperatureC }),
    policies: readFrequencyPolicies(root),
    ...(swap === undefined ? {} : { swap }),
    cpu: readCpuShares(root, pids),
  };
}

function readSwap(root: string): { pagesIn: number; pagesOut: number } | undefined {
  const text = readFact(`${root}/proc/vmstat`) ?? "";
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  const pagesIn = count("pswpin");
  const pagesOut = count("pswpout");
  return Number.isNaN(pagesIn + pagesOut) ? undefined : { pagesIn, pagesOut };
}

function readCpuShares(root: string, pids: readonly number[]): CpuShares {
  const own = new Map<number, number>();
  for (const pid of pids) {
    const ticks = readProcessTicks(pid, root);
    if (ticks !== undefined) own.set(pid, ticks);
  }
  const { total, tasks } = readCpuTime(root);
  return { total, tasks, own };
}

/** Between two snapshots: time of all processors, and what others than this measurement took of it, ticks. */
export function foreignTicks(before: CpuShares, after: CpuShares): { foreign: number; total: number } {
  let own = 0;
  // One that started in between has used all of its time since.
  for (const [pid, ticks] of after.own) own += ticks - (before.own.get(pid) ?? 0);
  return { foreign: Math.max(0, after.tasks - before.tasks - own), total: after.total - before.total };
}
