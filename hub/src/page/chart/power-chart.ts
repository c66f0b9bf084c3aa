import { columnsFor, columnTimes, decimate } from "./decimation.ts";
import { h } from "../dom.ts";
import type { PowerPoint } from "../fleet/fleet.ts";
import { watts } from "../format.ts";
import { FrameLoop } from "./frame-loop.ts";
import type { Band } from "./power-bands.ts";
import { PowerControls } from "./power-controls.ts";
import { PowerLegend } from "./power-legend.ts";
import { PowerLines, type PowerLine } from "./power-lines.ts";
import type { PlotView } from "./plot-view.ts";
import { PowerPlot, timeOfDay } from "./power-plot.ts";
import type { RunWindow } from "../fleet/power-samples.ts";

/** Telemetry comes so late at most; what is older is settled, and drawn again only when it changes after all. */
const SETTLE_MS = 1500;
const REDRAW_LATE_MS = 500;
/** Faster than any device tells, and half the work on a screen of 60 Hz. */
const FRAME_MS = 25;
const DOT_ROOM_PX = 6;
/** With two points in a column, few lines have as many points as pixels; among more nobody sees so much. */
const FEW_LINES = 8;
const LEGEND_MS = 250;
const TICK_MS = 250;
/** A page that was just opened may have little to show: the axis begins there and grows. */
const LEAST_SPAN_MS = 20_000;
const SPAN_STEP_MS = 10_000;
const KEY_STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 } as const;

/** What the chart is told of a device beside its power. */
export interface DeviceFacts {
  /** What its stamps have to be moved by, ms. */
  readonly offsetMs: number;
  /** Until when its silence is a measured window, ms since the epoch on its own clock; undefined without one. */
  readonly measuringUntilMs: number | undefined;
}

/** The live graph: one line per device and channel, dashed where the figures are estimates, measured windows shaded behind them. */
export class PowerChart {
  readonly #factsOf: (device: string) => DeviceFacts;
  readonly #lines: PowerLines;
  readonly #plot: PowerPlot;
  readonly #legend: PowerLegend;
  readonly #controls: PowerControls;
  readonly #frames = new FrameLoop((nowMs) => this.#draw(nowMs), FRAME_MS);
  #spanMs = PowerControls.defaultSpanMs;
  #firstMs = Number.POSITIVE_INFINITY;
  #pausedMs: number | undefined;
  #view: PlotView | undefined;
  #drawnMs = 0;
  #legendMs = 0;
  /** Something settled has changed. */
  #isLate = false;
  /** All has to be drawn in the next frame. */
  #isStale = true;
  #pointedS: number | undefined;

  constructor(parent: HTMLElement, factsOf: (device: string) => DeviceFacts) {
    this.#factsOf = factsOf;
    this.#lines = new PowerLines((device) => factsOf(device).offsetMs);
    this.#controls = new PowerControls({
      onSpan: (spanMs) => {
        this.#spanMs = spanMs;
        this.#redraw();
      },
      onPause: (isPaused) => {
        this.#pausedMs = isPaused ? Date.now() : undefined;
        this.#redraw();
      },
    });
    this.#legend = new PowerLegend({
      onToggle: () => this.#redraw(),
      onFocus: (line) => this.#plot.focus(line),
    });
    const figure = h("div", {
      class: "power-plot",
      tabindex: "0",
      role: "group",
      "aria-label":
        "Watts of each device over time. Arrow keys point at a moment and tell its values, Escape ends that, space pauses.",
    });
    parent.append(this.#controls.element, figure, this.#legend.element);
    this.#plot = new PowerPlot(figure, (seconds) => this.#point(seconds));
    figure.addEventListener("keydown", (event) => this.#key(event));
    figure.addEventListener("pointermove", ({ pointerType, clientX }) => {
      if (pointerType === "touch") this.#touch(figure, clientX);
    });
    figure.addEventListener("pointerdown", ({ pointerType, clientX }) => {
      if (pointerType === "touch") this.#touch(figure, clientX);
    });
    document.addEventListener("visibilitychange", () => this.#redraw());
    // Time goes on without samples too.
    setInterval(() => this.#frames.request(), TICK_MS);
  }

  /** Takes one sample: it is on the screen in the next frame. */
  add(point: PowerPoint): void {
    const line = this.#lines.add(point);
    if (line === undefined) return;
    const timeMs = point.timeMs + line.offsetMs();
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    const { columns } = this.#view ?? {};
    if (columns !== undefined && timeMs < columns.fromMs + columns.count * columns.stepMs) this.#isLate = true;
    if (this.#pausedMs === undefined) this.#frames.request();
  }

  /** Takes a measured window that has ended. */
  addWindow(device: string, window: RunWindow): void {
    if (this.#lines.windowsOf(device).add(window)) this.#isLate = true;
  }

  /** The clock of a device was set: its earlier samples belong nowhere. */
  forget(device: string): void {
    this.#lines.forget(device);
    this.#redraw();
  }

  #redraw(): void {
    this.#isStale = true;
    this.#frames.request();
  }

  #draw(nowMs: number): void {
    const atMs = this.#pausedMs ?? nowMs;
    const { columns } = this.#view ?? {};
    const endMs = columns === undefined ? 0 : columns.fromMs + columns.count * columns.stepMs;
    const isDue = columns !== undefined && this.#pausedMs === undefined && nowMs - SETTLE_MS - endMs >= columns.stepMs;
    const isLateDue = this.#isLate && nowMs - this.#drawnMs >= REDRAW_LATE_MS;
    if (this.#isStale || isDue || isLateDue) this.#drawAll(atMs, nowMs);
    else if (this.#pausedMs === undefined && !this.#plot.showTip()) this.#drawAll(atMs, nowMs);
    if (nowMs - this.#legendMs >= LEGEND_MS || this.#isStale) this.#showLegend(nowMs);
    this.#isStale = false;
  }

  #drawAll(atMs: number, nowMs: number): void {
    this.#drawnMs = nowMs;
    this.#isLate = false;
    if (this.#pausedMs === undefined) this.#lines.dropOld(nowMs);
    const lines = this.#lines.all;
    const age = Math.ceil(Math.max(LEAST_SPAN_MS, atMs - this.#firstMs) / SPAN_STEP_MS) * SPAN_STEP_MS;
    const columnPx = lines.length > FEW_LINES ? 3 : 2;
    const columns = columnsFor(atMs - SETTLE_MS, Math.min(this.#spanMs, age), this.#plot.widthPx / columnPx);
    const endMs = columns.fromMs + columns.count * columns.stepMs;
    const pxMs = (columns.count * columns.stepMs) / this.#plot.widthPx;
    for (const line of lines) {
      const { offsetMs, gapMs } = line;
      line.values = decimate(line.history, columns, { offsetMs: offsetMs(), gapMs }, line.values);
    }
    this.#view = {
      columns,
      times: columnTimes(columns),
      lines,
      bands: this.#bands(atMs),
      range: [columns.fromMs / 1000, (endMs + SETTLE_MS + columns.stepMs + DOT_ROOM_PX * pxMs) / 1000],
      reach: reachOf(lines, endMs),
    };
    this.#plot.show(this.#view);
  }

  #bands(nowMs: number): Band[] {
    const bands: Band[] = [];
    const colours = new Map(this.#lines.all.map(({ device, colour }) => [device, colour]));
    const shown = new Set(this.#lines.all.filter(({ isShown }) => isShown).map(({ device }) => device));
    for (const device of shown) {
      const { offsetMs, measuringUntilMs } = this.#factsOf(device);
      const colour = colours.get(device) ?? "";
      const place = (ms: number): number => (ms + offsetMs) / 1000;
      for (const { title, fromMs, toMs } of this.#lines.windows.get(device)?.all ?? []) {
        bands.push({ device, label: title, fromS: place(fromMs), toS: place(toMs), colour, isSilent: false });
      }
      if (measuringUntilMs === undefined || measuringUntilMs + offsetMs < nowMs) continue;
      const newestMs = Math.max(
        ...this.#lines.all.filter((line) => line.device === device).map(({ history }) => history.newestMs),
      );
      bands.push({
        device,
        label: "measuring",
        fromS: place(newestMs),
        toS: nowMs / 1000,
        colour,
        isSilent: true,
      });
    }
    return bands.sort((a, b) => a.fromS - b.fromS);
  }

  #showLegend(nowMs: number): void {
    this.#legendMs = nowMs;
    const atMs = this.#pointedS === undefined ? (this.#pausedMs ?? nowMs) : this.#pointedS * 1000;
    const isPointed = this.#pointedS !== undefined || this.#pausedMs !== undefined;
    this.#legend.show(this.#lines.all, (line) => valueAt(line, atMs, isPointed), this.#lines.refused);
    const wrong = this.#lines.all.filter((line) => line.offsetMs() !== 0);
    const clocks = [...new Map(wrong.map((line) => [line.device, line.offsetMs()]))].map(
      ([device, offsetMs]) =>
        `the clock of ${device} is ${describeOffset(offsetMs)} this one: its samples are placed by when they come`,
    );
    const pointed = this.#pointedS === undefined ? [] : [timeOfDay(this.#pointedS), ...this.#bandsAt(this.#pointedS)];
    this.#controls.tell([...pointed, ...clocks].join(" · "));
  }

  #bandsAt(seconds: number): string[] {
    const at = (this.#view?.bands ?? []).filter(({ fromS, toS }) => seconds >= fromS && seconds <= toS);
    return at.map(({ device, label }) => `${device}: ${label}`);
  }

  #point(seconds: number | undefined): void {
    if (seconds === this.#pointedS) return;
    this.#pointedS = seconds;
    this.#legendMs = 0;
    this.#frames.request();
  }

  #key(event: KeyboardEvent): void {
    const { times } = this.#view ?? {};
    if (times === undefined || event.target !== event.currentTarget) return;
    if (event.key === "Escape") this.#plot.pointAt(undefined);
    else if (event.key === " ") this.#controls.togglePause();
    else if (event.key in KEY_STEPS) {
      const last = times.length - 1;
      const known = this.#pointedS === undefined ? -1 : times.findIndex((time) => time >= (this.#pointedS ?? 0));
      const step = 2 * KEY_STEPS[event.key as keyof typeof KEY_STEPS];
      this.#pointAndSpeak(times[Math.max(0, Math.min(last, (known < 0 ? last : known) + step))]);
    } else return;
    event.preventDefault();
  }

  #touch(figure: HTMLElement, clientX: number): void {
    const over = figure.querySelector(".u-over")?.getBoundingClientRect();
    const { range } = this.#view ?? {};
    if (over === undefined || range === undefined) return;
    const share = Math.max(0, Math.min(1, (clientX - over.left) / over.width));
    this.#pointAndSpeak(range[0] + share * (range[1] - range[0]));
  }

  #pointAndSpeak(seconds: number | undefined): void {
    if (seconds === undefined) return;
    this.#plot.pointAt(seconds);
    const values = this.#lines.all
      .filter(({ isShown }) => isShown)
      .map((line) => {
        const value = valueAt(line, seconds * 1000, true);
        return `${line.name} ${value === undefined ? "no value" : `${watts(value)} W`}`;
      });
    this.#controls.speak([timeOfDay(seconds), ...this.#bandsAt(seconds), ...values].join(", "));
  }
}

/** Mean power at a moment, or the newest one unless it is too old to be called so. */
function valueAt({ history, gapMs, offsetMs }: PowerLine, atMs: number, isPointed: boolean): number | undefined {
  const stampMs = (isPointed ? atMs : Math.max(atMs, history.newestMs)) - offsetMs();
  let nearest: number | undefined;
  let leastMs = gapMs;
  history.visit(stampMs - gapMs, stampMs + gapMs, (timeMs, w) => {
    if (Math.abs(timeMs - stampMs) > leastMs) return;
    leastMs = Math.abs(timeMs - stampMs);
    nearest = w;
  });
  return nearest;
}

/** Extremes of what is not settled yet, W. */
function reachOf(lines: readonly PowerLine[], fromMs: number): readonly [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { history, isShown, offsetMs } of lines) {
    if (!isShown) continue;
    history.visit(fromMs - offsetMs(), Number.POSITIVE_INFINITY, (_timeMs, w) => {
      low = Math.min(low, w);
      high = Math.max(high, w);
    });
  }
  return low > high ? undefined : [low, high];
}

function describeOffset(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  const text = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${text} ${offsetMs > 0 ? "behind" : "ahead of"}`;
}
