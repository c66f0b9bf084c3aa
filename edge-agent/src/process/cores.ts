import { spawnSync } from "node:child_process";
import { readFact } from "../device/board.ts";

/** Which processors a kind of child runs on, so that reading the meter and running the model do not disturb each other. */
export interface CoreSplit {
  /** The sampler's core; `undefined` when children are not pinned. */
  readonly sampler: readonly number[] | undefined;
  readonly runner: readonly number[] | undefined;
  /** For people: what was done, or why not. */
  readonly note: string;
}

/** Parses a list of processors as the kernel writes it: `0-2,5`. */
export function parseCoreList(text: string): number[] {
  return text.split(",").flatMap((part) => {
    if (part.trim() === "") return [];
    const [from = Number.NaN, to = from] = part.split("-").map(Number);
    return Number.isInteger(from) ? Array.from({ length: to - from + 1 }, (_, i) => from + i) : [];
  });
}

/** The last core this process may use for the sampler and the others for the runner, when `taskset` can do it. */
export function splitCores(root = ""): CoreSplit {
  const allowed = parseCoreList(
    /^Cpus_allowed_list:\s*(.*)$/m.exec(readFact(`${root}/proc/self/status`) ?? "")?.[1] ?? "",
  );
  const last = allowed.at(-1);
  if (last === undefined || allowed.length < 2) {
    return { sampler: undefined, runner: undefined, note: "not pinned: one core" };
  }
  const probe = spawnSync("taskset", ["-c", String(last), "true"], { stdio: "ignore" });
  if (probe.error) return { sampler: undefined, runner: undefined, note: "not pinned: taskset is not installed" };
  if (probe.status !== 0) return { sampler: undefined, runner: undefined, note: "not pinned: taskset was refused" };
  const runner = allowed.slice(0, -1);
  return { sampler: [last], runner, note: `sampler on core ${last}, runner on ${runner.join(",")}` };
}
