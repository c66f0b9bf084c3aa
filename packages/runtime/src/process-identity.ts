import { readFileSync } from "node:fs";
import { z } from "zod";

/**
 * Names a process for as long as it lives: its id, and since ids are used again, when it started, in ticks since the machine did, and
 * in which boot of the machine.
 */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  startTicks: z.string().nullable(),
  bootId: z.string().optional(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Field 22 of proc(5) `/proc/PID/stat`, counted after the command name, which may contain spaces and brackets. */
function startTicksOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}

export function identityOf(pid: number): ProcessIdentity {
  const boot = bootId();
  return { pid, startTicks: startTicksOf(pid), ...(boot === undefined ? {} : { bootId: boot }) };
}

/** Whether that very process still runs. */
export function isAlive({ pid, startTicks, bootId: boot }: ProcessIdentity): boolean {
  // A machine that starts the same way each time gives the same ids at nearly the same ticks.
  if (boot !== undefined && boot !== bootId()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return startTicks === null || startTicksOf(pid) === startTicks;
}
