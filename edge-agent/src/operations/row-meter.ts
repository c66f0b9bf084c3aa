import type { RowMeter } from "../measure/row.ts";
import type { Workbench } from "./workbench.ts";

/** The channel that fills the table, as the meter described it when it was opened. */
export function rowMeter({ sampler, power }: Workbench): RowMeter | undefined {
  const { described, accumulates } = sampler.channel(power.channel);
  return described === undefined ? undefined : { ...described, accumulates };
}
