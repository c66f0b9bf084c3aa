import { readdir, readFile } from "node:fs/promises";

/** Processes that one process started for one of its scripts, such as `runner/child.js`. */
export async function childPids(parent: number, script: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const parentPid = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
        if (Number(parentPid) !== parent) return [];
        return (await readFile(`/proc/${pid}/cmdline`, "latin1")).includes(script) ? [Number(pid)] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    }),
  );
  return found.flat();
}
