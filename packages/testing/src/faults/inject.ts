import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { TestingError } from "../errors.ts";
import { eventually } from "../eventually.ts";
import type { Trial } from "./plan.ts";
import type { FaultStack } from "./stack.ts";

/** Children of agents exist in some states of a job only; jobs never stop coming. */
const CHILD_LIMIT_MS = 60_000;
const CHILD_POLL_MS = 20;

function chosen<T>(among: readonly T[], which: number): T {
  const item = among[Math.floor(which * among.length)];
  if (item === undefined) throw new TestingError("nothing there to hit", { code: "no-target" });
  return item;
}

/** Makes the fault of a trial happen, and ends it; resolves when it is over, which for a killed process is at once. */
export async function inject(trial: Trial, stack: FaultStack): Promise<void> {
  await sleep(trial.leadMs);
  if (trial.kind === "link") {
    const proxy = chosen(stack.linksOf(trial.target), trial.which);
    await proxy.set(trial.condition);
    if (trial.cut !== undefined) proxy.cut(trial.cut);
    await sleep(trial.lastsMs);
    await proxy.set({});
    return;
  }
  if (trial.kind === "disk") {
    const disk = chosen(stack.disksOf(trial.target), trial.which);
    await disk.fill();
    await sleep(trial.lastsMs);
    await disk.free();
    return;
  }
  const { target, fault, which, lastsMs } = trial;
  if (target === "runner" || target === "sampler" || target === "quantizer") {
    const pid = await eventually(async () => chosen(await stack.pidsOf(target), which), {
      timeoutMs: CHILD_LIMIT_MS,
      everyMs: CHILD_POLL_MS,
    });
    if (fault === "kill") return signal(pid, "SIGKILL");
    signal(pid, "SIGSTOP");
    await sleep(lastsMs);
    signal(pid, "SIGCONT");
    return;
  }
  const managed = chosen(stack.processesOf(target), which);
  if (fault === "kill") managed.kill();
  else if (fault === "restart") await managed.restart();
  else {
    managed.suspend();
    await sleep(lastsMs);
    managed.resume();
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // A child may have done its work meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
