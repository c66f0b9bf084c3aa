import type { JobContext } from "../jobs/operation.ts";
import type { Plan } from "../measure/plan.ts";
import type { Loaded, Warm } from "../runner/messages.ts";
import { Runner } from "../runner/runner.ts";
import type { PreparedEntry } from "./entries.ts";
import type { Workbench } from "./workbench.ts";

/** Where and for how long a runner lives. */
export type RunnerPlace = { bench: Pick<Workbench, "cores">; context: Pick<JobContext, "signal"> };

/** A fresh process on the runner's cores with an entry's model loaded as the plan says; without inputs it is for accuracy alone. */
export function loadEntry(
  { path, feeds }: Pick<PreparedEntry, "path" | "feeds">,
  { threads, spinning, graphOptimization, batch }: Plan,
  { bench, context }: RunnerPlace,
): Promise<{ runner: Runner; loaded: Loaded }> {
  return Runner.load(
    { modelPath: path, threads, spinning, graphOptimization, batch, feeds },
    { cores: bench.cores.runner, signal: context.signal },
  );
}

/** The same, and warm by the plan's rules. */
export async function startWarm(
  entry: Pick<PreparedEntry, "path" | "feeds">,
  plan: Plan,
  place: RunnerPlace,
): Promise<{ runner: Runner; loaded: Loaded; warm: Warm }> {
  const { runner, loaded } = await loadEntry(entry, plan, place);
  try {
    return { runner, loaded, warm: await runner.warmUp(plan.warmUp) };
  } catch (error) {
    await runner[Symbol.asyncDispose]();
    throw error;
  }
}
