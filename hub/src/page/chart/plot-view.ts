import type { Columns } from "./decimation.ts";
import type { Band } from "./power-bands.ts";
import type { PowerLine } from "./power-lines.ts";

/** What the plot shows until it is given another view. */
export interface PlotView {
  readonly columns: Columns;
  readonly times: number[];
  readonly lines: readonly PowerLine[];
  readonly bands: readonly Band[];
  /** The whole axis, s since the epoch. */
  readonly range: readonly [from: number, to: number];
  /** Extremes of what the tip shows now, W. */
  readonly reach: readonly [low: number, high: number] | undefined;
}
