import type { PowerLine } from "./power-lines.ts";
import type { PlotView } from "./plot-view.ts";
import type uPlot from "../vendor/uplot.js";

const ALPHA = 0.22;

/** Shades what lies between the extremes of the readings of a line, column by column: a peak too short for the mean is there. */
export function paintExtremes(plot: uPlot, { columns, range }: PlotView, { values, colour, gapMs }: PowerLine): void {
  if (values === undefined) return;
  const { ctx, bbox } = plot;
  const { fromMs, stepMs, count } = columns;
  const pxPerMs = bbox.width / (range[1] - range[0]) / 1000;
  const xOf = (column: number): number =>
    Math.round(bbox.left + (fromMs + column * stepMs - range[0] * 1000) * pxPerMs);
  const mostColumns = Math.max(1, Math.floor(gapMs / 2 / stepMs));
  ctx.save();
  ctx.globalAlpha = ALPHA;
  ctx.fillStyle = colour;
  for (let column = 0, next = 0; column < count; column = next) {
    next = column + 1;
    const [low, high] = [values.low[column] ?? Number.NaN, values.high[column] ?? Number.NaN];
    if (!(high > low)) continue;
    // Rows may be rarer than columns: each holds until the next one.
    while (next < count && next - column < mostColumns && Number.isNaN(values.low[next])) next++;
    const left = Math.max(bbox.left, xOf(column));
    const top = Math.round(plot.valToPos(high, "y", true));
    ctx.fillRect(
      left,
      top,
      Math.max(1, xOf(next) - left),
      Math.max(1, Math.round(plot.valToPos(low, "y", true)) - top),
    );
  }
  ctx.restore();
}
