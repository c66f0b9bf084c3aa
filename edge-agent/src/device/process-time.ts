import { readFact } from "./board.ts";

/** Fields of `/proc/<pid>/stat` after the command's name, which may hold spaces and brackets (proc_pid_stat(5)). */
const UTIME = 11;
const STIME = 12;

/** Time that all threads of a process have used, in clock ticks; `undefined` when there is no such process. */
export function readProcessTicks(pid: number, root = ""): number | undefined {
  const text = readFact(`${root}/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  return Number.isNaN(ticks) ? undefined : ticks;
}
