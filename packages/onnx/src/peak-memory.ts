import { readFileSync } from "node:fs";

/**
 * Highest resident memory of this process so far. Linux keeps it as VmHWM (proc(5)); ru_maxrss, which is all that others have, may be what the
 * parent had when it started this process.
 */
export function peakMemoryBytes(): number {
  let status = "";
  try {
    status = readFileSync("/proc/self/status", "utf8");
  } catch {
    // Not Linux.
  }
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return 1024 * (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes));
}
