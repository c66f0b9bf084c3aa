import type uPlot from "../vendor/uplot.js";

/** A stretch of time of one device that is shaded. */
export interface Band {
  readonly device: string;
  readonly label: string;
  readonly fromS: number;
  readonly toS: number;
  readonly colour: string;
  /** Whether the device is silent in it, and its figures follow. */
  readonly isSilent: boolean;
}

const LABEL_PX = 11;
const PADDING_PX = 4;
const ALPHA = 0.1;
const MAX_LABEL_ROWS = 4;

/** Shades the bands and writes their names where they have room: beneath each other where they overlap. */
export function paintBands(plot: uPlot, bands: readonly Band[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const ends: number[] = [];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${LABEL_PX * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const { label, fromS, toS, colour, isSilent } of bands) {
    const left = Math.max(bbox.left, Math.round(plot.valToPos(fromS, "x", true)));
    const right = Math.min(bbox.left + bbox.width, Math.round(plot.valToPos(toS, "x", true)));
    if (right <= left) continue;
    ctx.fillStyle = colour;
    ctx.globalAlpha = isSilent ? 2 * ALPHA : ALPHA;
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    const free = ends.findIndex((end) => end <= left);
    const row = free === -1 ? ends.length : free;
    const room = right - left - 2 * PADDING_PX * ratio;
    if (row >= MAX_LABEL_ROWS || room < 3 * LABEL_PX * ratio) continue;
    const text = shortened(ctx, label, room);
    if (text === "") continue;
    ends[row] = right;
    ctx.globalAlpha = 0.9;
    ctx.fillText(text, left + PADDING_PX * ratio, bbox.top + (PADDING_PX + row * (LABEL_PX + 3)) * ratio);
  }
  ctx.restore();
}

function shortened(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  for (let length = text.length - 1; length >= 4; length--) {
    // The end tells models of one family apart.
    const candidate = `…${text.slice(-length)}`;
    if (ctx.measureText(candidate).width <= room) return candidate;
  }
  return "";
}
