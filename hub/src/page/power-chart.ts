import uPlot from "./vendor/uplot.js";
import type { PowerPoint } from "./fleet.ts";
import { watts } from "./format.ts";
import { historyTimes, PowerHistory } from "./power-history.ts";

const COLOURS = ["#2f81d6", "#d9622b", "#2f9e6e", "#a35bd0", "#c79a1b", "#d6457d", "#3aa6b9", "#8a8f3c"];
const HEIGHT = 260;
const REDRAW_MS = 250;

/** The live graph: one line per device and channel, dashed where the figures are estimates. */
export class PowerChart {
  readonly #parent: HTMLElement;
  readonly #histories = new Map<string, PowerHistory>();
  #plot: uPlot;

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.#plot = this.#create();
    new ResizeObserver(() => this.#plot.setSize({ width: parent.clientWidth, height: HEIGHT })).observe(parent);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recreate());
    setInterval(() => this.#draw(), REDRAW_MS);
  }

  add({ device, channel, estimate, timeMs, watts: value }: PowerPoint): void {
    const name = channel === "main" ? device : `${device} ${channel}`;
    let history = this.#histories.get(name);
    if (history === undefined) {
      history = new PowerHistory();
      this.#plot.addSeries(series(name, estimate, this.#histories.size));
      this.#histories.set(name, history);
    }
    history.add(timeMs, value);
  }

  #draw(): void {
    if (!document.hidden) this.#plot.setData(this.#data());
  }

  #data(): uPlot.AlignedData {
    const now = Date.now();
    return [historyTimes(now), ...[...this.#histories.values()].map((history) => history.values(now))];
  }

  #recreate(): void {
    const known = this.#plot.series.slice(1);
    this.#plot.destroy();
    this.#plot = this.#create();
    for (const { label, stroke, dash } of known) {
      this.#plot.addSeries({ ...series("", false, 0), label: label ?? "", stroke: stroke ?? "", dash: dash ?? [] });
    }
    this.#draw();
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
      width: Math.max(200, this.#parent.clientWidth),
      height: HEIGHT,
      series: [{ value: (_plot, seconds) => (seconds === null ? "–" : new Date(seconds * 1000).toLocaleTimeString()) }],
      axes: [axis, { ...axis, size: 48, values: (_plot, ticks) => ticks.map((tick) => `${tick} W`) }],
      scales: { y: { range: { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1 } } } },
      cursor: { y: false, points: { size: 7 } },
      legend: { live: true },
    };
    return new uPlot(options, [[]], this.#parent);
  }
}

function series(name: string, estimate: boolean, index: number): uPlot.Series {
  return {
    label: estimate ? `${name} (estimate)` : name,
    stroke: COLOURS[index % COLOURS.length] ?? "#2f81d6",
    width: 1.75,
    points: { show: false },
    value: (_plot, value) => (value === null ? "–" : `${watts(value)} W`),
    ...(estimate ? { dash: [6, 3] } : {}),
  };
}
