import { readFileSync } from "node:fs";

const BYTES_PER_KIB = 1024;
const BYTES_PER_MB = 1e6;

/**
 * Peak resident memory of this process, 10^6 bytes: VmHWM of `/proc/self/status`. `process.resourceUsage().maxRSS` would
 * not do, since a child inherits it from its parent.
 */
export function peakMemoryMb(): number {
  const kib = Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
  return (kib * BYTES_PER_KIB) / BYTES_PER_MB;
}
