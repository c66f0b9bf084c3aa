import type { PlotView } from "./plot-view.ts";
import type { PowerLine } from "./power-lines.ts";

/** How far before the settled lines' end the tip may begin, so that it joins them. */
const JOIN_MS = 2500;
const DOT_PX = 2.5;
const MARGIN_PX = 6;
const FADED = 0.2;

/** The plot that the tip lies on: CSS pixels, and the ends of its axis in watts. */
export interface TipPlace {
  readonly plotPx: number;
  readonly heightPx: number;
  readonly bottom: number;
  readonly top: number;
  readonly focused: PowerLine | undefined;
}

/**
 * The newest stretch of each line with a dot at its end, on a narrow canvas of its own over the right edge of the plot: a sample is on
 * the screen in the next frame, at the cost of a few short lines.
 */
export class PowerTip {
  readonly #canvas = document.createElement("canvas");

  constructor(over: HTMLElement) {
    this.#canvas.className = "power-tip";
    over.append(this.#canvas);
  }

  /** @returns whether all of it lies between the ends of the axis */
  draw({ columns, range, lines }: PlotView, { plotPx, heightPx, bottom, top, focused }: TipPlace): boolean {
    const settledMs = columns.fromMs + columns.count * columns.stepMs;
    const [fromS, toS] = range;
    const pxPerMs = plotPx / (toS - fromS) / 1000;
    const widthPx = Math.min(plotPx, Math.ceil((toS * 1000 - settledMs + columns.stepMs) * pxPerMs) + 2 * MARGIN_PX);
    const context = this.#begin(widthPx, heightPx);
    if (context === null) return true;
    const xOf = (timeMs: number): number => widthPx - (toS * 1000 - timeMs) * pxPerMs;
    const yOf = (watts: number): number => heightPx * (1 - (watts - bottom) / (top - bottom));
    let isInside = true;
    for (const line of lines) {
      if (!line.isShown) continue;
      const offsetMs = line.offsetMs();
      context.globalAlpha = focused === undefined || focused === line ? 1 : FADED;
      context.strokeStyle = line.colour;
      context.fillStyle = line.colour;
      context.setLineDash(line.estimate ? [6, 3] : []);
      context.beginPath();
      let lastMs = Number.NEGATIVE_INFINITY;
      let lastW = 0;
      line.history.visit(settledMs - JOIN_MS - offsetMs, toS * 1000 - offsetMs, (stampMs, w) => {
        const timeMs = stampMs + offsetMs;
        // What is settled is there already, but for its last point.
        if (lastMs > Number.NEGATIVE_INFINITY && timeMs >= settledMs) {
          if (lastMs < settledMs || timeMs - lastMs > line.gapMs) context.moveTo(xOf(lastMs), yOf(lastW));
          if (timeMs - lastMs <= line.gapMs) context.lineTo(xOf(timeMs), yOf(w));
          else context.moveTo(xOf(timeMs), yOf(w));
        }
        if (timeMs >= settledMs && (w > top || w < bottom)) isInside = false;
        lastMs = timeMs;
        lastW = w;
      });
      context.stroke();
      if (lastMs < settledMs) continue;
      context.setLineDash([]);
      context.beginPath();
      context.arc(xOf(lastMs), yOf(lastW), DOT_PX, 0, 2 * Math.PI);
      context.fill();
    }
    return isInside;
  }

  /** An empty canvas of this size, in CSS pixels from then on. */
  #begin(widthPx: number, heightPx: number): CanvasRenderingContext2D | null {
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(widthPx * ratio), Math.round(heightPx * ratio)];
    const canvas = this.#canvas;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${widthPx}px`;
      canvas.style.height = `${heightPx}px`;
    }
    const context = canvas.getContext("2d");
    context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    context?.clearRect(0, 0, widthPx, heightPx);
    return context;
  }
}
