import type { JobContext } from "../jobs/operation.ts";
import type { ChannelState, Sampler } from "../sampler/sampler.ts";
import type { Workbench } from "./workbench.ts";

const LOOK_EVERY_MS = 50;
/** Opening a meter takes a fraction of a second; one that says nothing for so long is as good as one with a fault. */
const PATIENCE_MS = 5000;

/**
 * The channel that fills the table, as soon as its meter was opened or has said why not. A job may come before that, right after the
 * agent's start, and how long its windows must be depends on the meter.
 */
export async function meetMeter(
  bench: Pick<Workbench, "power" | "clock"> & { readonly sampler: Pick<Sampler, "channel"> },
  { signal }: Pick<JobContext, "signal">,
): Promise<ChannelState> {
  const { power, sampler, clock } = bench;
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
    if (!sampler.channel(power.channel).isOpening) break;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  return sampler.channel(power.channel);
}
