import { writeFileSync } from "node:fs";
import { readFact } from "../device/board.ts";

const BYTES_PER_KIB = 1024;
const BYTES_PER_MB = 1e6;
/** proc_pid_clear_refs(5): resets the peak resident set size to what is resident now. */
const RESET_PEAK = "5";

function kibLine(text: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(text ?? "")?.[1];
  return found === undefined ? undefined : (Number(found) * BYTES_PER_KIB) / BYTES_PER_MB;
}

/**
 * Peak resident memory of this process, 10^6 bytes: VmHWM of `/proc/self/status`. `process.resourceUsage().maxRSS` would
 * not do, since a child inherits it from its parent.
 */
export function peakMemoryMb(root = ""): number {
  return kibLine(readFact(`${root}/proc/self/status`), "VmHWM") ?? Number.NaN;
}

/** Lets the peak begin anew, so that it holds nothing of the start of this process; a kernel may refuse, and the peak stays. */
export function resetPeakMemory(root = ""): void {
  try {
    writeFileSync(`${root}/proc/self/clear_refs`, RESET_PEAK);
  } catch {
    // Refused in some containers: the baseline then is the peak since the start, which is above it by little.
  }
}

/**
 * Proportional set size, 10^6 bytes: resident pages, those that other processes share counted in parts (`smaps_rollup`). Takes
 * the kernel about a millisecond, so never inside a window. `null` where the kernel has no such file.
 */
export function proportionalMemoryMb(root = ""): number | null {
  return kibLine(readFact(`${root}/proc/self/smaps_rollup`), "Pss") ?? null;
}
