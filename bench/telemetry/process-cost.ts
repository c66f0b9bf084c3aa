import { readdir, readFile } from "node:fs/promises";
import { BenchError } from "../errors.ts";

/** Time on the processor of all threads of a process, from the scheduler's own accounts (proc(5), schedstat: ns), µs. */
export async function cpuUsOf(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    tasks.map(async (task) => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, "latin1")).split(" ")[0])),
  );
  return times.reduce((sum, ns) => sum + ns, 0) / 1000;
}

/** Resident memory of a process, 10^6 bytes (proc(5), status). */
export async function residentMbOf(pid: number): Promise<number> {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}

/** The child of a process that runs one of its scripts. @throws BenchError when there is none */
export async function childOf(pid: number, script: string): Promise<number> {
  for (const name of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${name}/status`, "latin1"))?.[1];
      if (Number(parent) === pid && (await readFile(`/proc/${name}/cmdline`, "latin1")).includes(script))
        return Number(name);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new BenchError(`process ${pid} has no child ${script}`, { code: "no-child" });
}
