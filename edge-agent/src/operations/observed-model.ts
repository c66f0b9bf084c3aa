import type { ObserverEffect } from "@edgewatt/protocol";
import type { Plan } from "../measure/plan.ts";
import { mean } from "../measure/statistics.ts";
import type { PreparedEntry } from "./entries.ts";
import { startWarm, type RunnerPlace } from "./start-runner.ts";

/** Of a stretch; a slow model's few runs are longer. */
const STRETCH = { windowS: 1, minRuns: 5 } as const;

/** A model whose latency shows whether reading the meter disturbs it. */
export interface ObservedModel extends AsyncDisposable {
  readonly what: Pick<NonNullable<ObserverEffect["latency"]>, "model" | "precision" | "threads">;
  /** Mean time of an image in a short run now, ms. */
  latencyMs(): Promise<number>;
}

/** The model of an entry in a process of its own, warm. */
export async function openObservedModel(
  entry: Pick<PreparedEntry, "model" | "precision" | "path" | "feeds">,
  plan: Plan,
  place: RunnerPlace,
): Promise<ObservedModel> {
  const { runner } = await startWarm(entry, plan, place);
  return {
    what: { model: entry.model.name, precision: entry.precision, threads: plan.threads },
    async latencyMs() {
      const { latenciesMs } = await runner.window({ ...STRETCH, leadInRuns: plan.leadInRuns }, () => undefined);
      return mean(latenciesMs) / plan.batch;
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}
