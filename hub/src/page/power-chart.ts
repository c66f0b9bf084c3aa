import type { PowerPoint } from "./fleet.ts";
import { watts } from "./format.ts";
import { historyTimes, PowerHistory } from "./power-history.ts";
import uPlot from "./vendor/uplot.js";

const COLOURS = ["#2f81d6", "#d9622b", "#2f9e6e", "#a35bd0", "#c79a1b", "#d6457d", "#3aa6b9", "#8a8f3c"];
const HEIGHT = 260;
const REDRAW_MS = 250;
const WINDOW_S = 300;
/** A page that was just opened has little to show: the axis begins there and grows. */
const MIN_WINDOW_S = 20;

interface Line {
  readonly estimate: boolean;
  readonly history: PowerHistory;
}

/** The live graph: one line per device and channel, dashed where the figures are estimates. */
export class PowerChart {
  readonly #parent: HTMLElement;
  readonly #lines = new Map<string, Line>();
  #firstS = Number.POSITIVE_INFINITY;
  #plot: uPlot;

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.#plot = this.#create();
    new ResizeObserver(() => this.#plot.setSize({ width: contentWidth(parent), height: HEIGHT })).observe(parent);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recreate());
    setInterval(() => {
      if (!document.hidden) this.#draw();
    }, REDRAW_MS);
  }

  add({ device, channel, estimate, timeMs, watts: value }: PowerPoint): void {
    const name = `${channel === "main" ? device : `${device} ${channel}`}${estimate ? " (estimate)" : ""}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { estimate, history: new PowerHistory() };
      this.#lines.set(name, line);
    }
    this.#firstS = Math.min(this.#firstS, timeMs / 1000);
    line.history.add(timeMs, value);
  }

  /** uPlot stops for good when it draws a series before it has its data: both are given in one go. */
  #draw(): void {
    for (const [index, [name, { estimate }]] of [...this.#lines].entries()) {
      if (index + 1 === this.#plot.series.length) this.#plot.addSeries(series(name, estimate, index));
    }
    const now = Date.now();
    const data = [...this.#lines.values()].map(({ history }) => history.values(now));
    this.#plot.setData([historyTimes(now), ...data]);
    if (this.#plot.cursor.idx === null || this.#plot.cursor.idx === undefined) this.#showNewest(data);
  }

  /** Without a cursor the legend shows what is now. */
  #showNewest(data: readonly (readonly (number | null | undefined)[])[]): void {
    const newest = data.map((values) => values.findLastIndex((value) => typeof value === "number"));
    if (newest.length > 0) this.#plot.setLegend({ idxs: [Math.max(...newest), ...newest] }, false);
  }

  #recreate(): void {
    this.#plot.destroy();
    this.#plot = this.#create();
    this.#draw();
  }

  #range(): [number, number] {
    const now = Date.now() / 1000;
    return [Math.min(now - MIN_WINDOW_S, Math.max(now - WINDOW_S, this.#firstS)), now];
  }

  #create(): uPlot {
    const style = getComputedStyle(document.documentElement);
    const axis = {
      stroke: style.getPropertyValue("--muted"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: style.getPropertyValue("--line"), width: 1 },
      ticks: { stroke: style.getPropertyValue("--line"), width: 1 },
    };
    const options: uPlot.Options = {
      width: contentWidth(this.#parent),
      height: HEIGHT,
      series: [{ value: (_plot, seconds) => (seconds === null ? "–" : timeOfDay(seconds)) }],
      axes: [
        { ...axis, space: 90, values: (_plot, ticks) => ticks.map(timeOfDay) },
        { ...axis, size: 48, values: (_plot, ticks) => ticks.map((tick) => `${tick} W`) },
      ],
      scales: {
        x: { range: () => this.#range() },
        y: { range: { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1 } } },
      },
      cursor: { y: false, points: { size: 7 }, drag: { setScale: false, x: false } },
    };
    return new uPlot(options, [[]], this.#parent);
  }
}

function series(name: string, estimate: boolean, index: number): uPlot.Series {
  return {
    label: name,
    stroke: COLOURS[index % COLOURS.length] ?? "#2f81d6",
    width: 1.75,
    points: { show: false },
    value: (_plot, value) => (typeof value === "number" ? `${watts(value)} W` : "–"),
    ...(estimate ? { dash: [6, 3] } : {}),
  };
}

function contentWidth(element: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  return Math.max(200, element.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight));
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}
