import { readdir, readFile } from "node:fs/promises";

/** Time on the processor of all threads of a process, from the scheduler's own accounts (proc(5), schedstat: ns), in µs. */
export async function cpuUsOf(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    tasks.map(async (task) => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, "latin1")).split(" ")[0])),
  );
  return times.reduce((sum, ns) => sum + ns, 0) / 1000;
}
