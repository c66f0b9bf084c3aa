import type { PlotView } from "./plot-view.ts";
import { paintBands } from "./power-bands.ts";
import type { PowerLine } from "./power-lines.ts";
import { paintExtremes } from "./power-extremes.ts";
import { PowerTip } from "./power-tip.ts";
import uPlot from "../vendor/uplot.js";

const HEIGHT = 260;
/** So few lines are drawn wide, and with what lies between the extremes of the readings behind them. */
const FEW_LINES = 4;
const WIDE = 1.5;
/** The browser draws lines of one pixel twenty times as fast as wider ones. */
const THIN = 1;
const FADED = 0.2;
/** Between two times on the axis, s; with uPlot's own, which leap from one minute to five, a phone shows a single one. */
const TICKS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300] as const;
const Y_RANGE = { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1, soft: 0, mode: 0 } } as const;

/** The chart proper: uPlot with settled lines, bands behind them and the tip of each line, which alone is drawn in most frames. */
export class PowerPlot {
  readonly #parent: HTMLElement;
  readonly #onCursor: (seconds: number | undefined) => void;
  #plot: uPlot;
  #tip: PowerTip;
  #view: PlotView | undefined;
  #names: readonly string[] = [];
  #focused: PowerLine | undefined;

  /** @param onCursor a moment was pointed at, s since the epoch, or none any more */
  constructor(parent: HTMLElement, onCursor: (seconds: number | undefined) => void) {
    this.#parent = parent;
    this.#onCursor = onCursor;
    [this.#plot, this.#tip] = this.#create([]);
    new ResizeObserver(() => this.#plot.setSize({ width: widthOf(parent), height: HEIGHT })).observe(parent);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recreate());
  }

  /** Width of the plot without its axis, CSS pixels. */
  get widthPx(): number {
    return this.#plot.bbox.width / devicePixelRatio || widthOf(this.#parent);
  }

  /** Draws everything. A plot is made anew only when there are other lines. */
  show(view: PlotView): void {
    this.#view = view;
    const names = view.lines.map(({ name }) => name);
    if (names.join("\n") === this.#names.join("\n")) this.#draw(view);
    else this.#recreate();
  }

  /** Draws the newest of each line. @returns whether it found room: a value beyond the axis needs all drawn anew */
  showTip(): boolean {
    if (this.#view === undefined) return true;
    const { min, max } = this.#plot.scales["y"] ?? {};
    if (min === undefined || max === undefined) return false;
    const { width, height } = this.#plot.bbox;
    const ratio = devicePixelRatio;
    const place = { plotPx: width / ratio, heightPx: height / ratio, bottom: min, top: max, focused: this.#focused };
    return this.#tip.draw(this.#view, place);
  }

  /** Lets one line stand out, or all alike again. */
  focus(line: PowerLine | undefined): void {
    if (this.#focused === line) return;
    this.#focused = line;
    if (this.#view !== undefined) this.#draw(this.#view);
  }

  /** Points at a moment, s since the epoch; `undefined` at none. */
  pointAt(seconds: number | undefined): void {
    const left = seconds === undefined ? -10 : this.#plot.valToPos(seconds, "x");
    this.#plot.setCursor({ left, top: seconds === undefined ? -10 : 10 });
  }

  #draw({ lines, times }: PlotView): void {
    const shown = lines.filter(({ isShown }) => isShown).length;
    for (const [index, line] of lines.entries()) {
      const series = this.#plot.series[index + 1];
      if (series === undefined) continue;
      series.show = line.isShown;
      series.alpha = this.#isFaded(line) ? FADED : 1;
      series.width = shown <= FEW_LINES || line === this.#focused ? WIDE : THIN;
    }
    this.#plot.setData([times, ...lines.map(({ values }) => values?.line ?? [])]);
    this.showTip();
  }

  #isFaded(line: PowerLine): boolean {
    return this.#focused !== undefined && line !== this.#focused;
  }

  #recreate(): void {
    this.#plot.destroy();
    [this.#plot, this.#tip] = this.#create(this.#view?.lines ?? []);
    if (this.#view !== undefined) this.#draw(this.#view);
  }

  /** Behind the lines: measured windows, and what lies between the extremes of the readings, where few lines leave room for it. */
  #paintBehind(plot: uPlot): void {
    if (this.#view === undefined) return;
    const { lines, bands } = this.#view;
    paintBands(plot, bands);
    const shown = lines.filter(({ isShown }) => isShown);
    const banded = shown.filter((line) => shown.length <= FEW_LINES || line === this.#focused);
    for (const line of banded) if (!this.#isFaded(line)) paintExtremes(plot, this.#view, line);
  }

  #rangeY(low: number | null, high: number | null): uPlot.Range.MinMax {
    const { reach, lines = [] } = this.#view ?? {};
    let [least, most] = [low ?? Number.POSITIVE_INFINITY, high ?? Number.NEGATIVE_INFINITY];
    if (reach !== undefined) [least, most] = [Math.min(least, reach[0]), Math.max(most, reach[1])];
    const shown = lines.filter(({ isShown }) => isShown);
    for (const { values } of shown.length <= FEW_LINES ? shown : []) {
      for (const value of values?.high ?? []) if (value > most) most = value;
      for (const value of values?.low ?? []) if (value < least) least = value;
    }
    return least > most ? [0, 1] : uPlot.rangeNum(least, most, Y_RANGE);
  }

  #create(lines: readonly PowerLine[]): [uPlot, PowerTip] {
    this.#names = lines.map(({ name }) => name);
    const style = getComputedStyle(document.documentElement);
    const line = { stroke: style.getPropertyValue("--line"), width: 1 };
    const axis = {
      stroke: style.getPropertyValue("--muted"),
      font: "12px system-ui, sans-serif",
      grid: line,
      ticks: line,
    };
    const options: uPlot.Options = {
      width: widthOf(this.#parent),
      height: HEIGHT,
      legend: { show: false },
      series: [{}, ...lines.map(seriesOf)],
      axes: [
        { ...axis, size: 34, space: 90, incrs: [...TICKS_S], values: (_plot, ticks) => ticks.map(timeOfDay) },
        { ...axis, size: 52, values: (_plot, ticks) => ticks.map((tick) => `${tick} W`) },
      ],
      scales: {
        x: { range: (_plot, low, high) => [...(this.#view?.range ?? [low ?? 0, high ?? 1])] },
        y: { range: (_plot, low, high) => this.#rangeY(low, high) },
      },
      cursor: { y: false, points: { size: 6 }, drag: { setScale: false, x: false }, dataIdx: nearestPoint },
      hooks: {
        drawAxes: [(plot) => this.#paintBehind(plot)],
        setCursor: [
          ({ cursor, data }) => {
            const seconds = cursor.idx === null || cursor.idx === undefined ? undefined : data[0][cursor.idx];
            this.#onCursor((cursor.left ?? -1) < 0 ? undefined : seconds);
          },
        ],
      },
    };
    const data: uPlot.AlignedData = [[], ...lines.map(() => [])];
    const plot = new uPlot(options, data, this.#parent);
    plot.over.style.touchAction = "pan-y";
    return [plot, new PowerTip(plot.over)];
  }
}

function seriesOf({ name, colour, estimate }: PowerLine): uPlot.Series {
  return { label: name, stroke: colour, width: THIN, points: { show: false }, ...(estimate ? { dash: [6, 3] } : {}) };
}

/** Not every line has a value at every point: the nearest one within a few points is what the cursor means. */
function nearestPoint(plot: uPlot, series: number, index: number): number {
  const values = plot.data[series] ?? [];
  for (let away = 0; away < 6; away++) {
    if (typeof values[index - away] === "number") return index - away;
    if (typeof values[index + away] === "number") return index + away;
  }
  return index;
}

function widthOf(element: HTMLElement): number {
  return Math.max(200, element.clientWidth);
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** `12:04:31` in the time of this browser. */
export function timeOfDay(seconds: number): string {
  return CLOCK.format(seconds * 1000);
}
