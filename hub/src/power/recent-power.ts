import { decodeMessage, parseTopic, topicFilter } from "@edgewatt/protocol";
import type { MqttConnection, MqttMessage } from "@edgewatt/runtime";
import { columnsFor } from "../page/chart/decimation.ts";
import { HISTORY_MS, PowerHistory } from "../page/chart/power-history.ts";
import { storedSamples, windowsOf } from "../page/fleet/power-samples.ts";
import { RunWindows } from "../page/fleet/run-windows.ts";
import type { RecentPowerAnswer, RecentSeries } from "../page/fleet/recent-power.ts";

/** 165 kB each: 42 MB when there are so many. */
const MAX_CHANNELS = 256;
/** A page draws no more lines. */
const MAX_ANSWERED = 64;
const STEP_MS = 500;
/** With more channels than this an answer is half as fine. */
const MANY_CHANNELS = 24;
/** A stamp from further ahead is that of a wrong clock, and would stand in the way of right ones. */
const AHEAD_MS = 60_000;
const MILLI = 1000;
/** Finer than a pixel of the chart, and half the bytes. */
const MEAN_DIGITS = 3;
const SPREAD_DIGITS = 2;

interface RememberedChannel {
  readonly device: string;
  readonly channel: string;
  readonly source: string;
  readonly history: PowerHistory;
}

/**
 * The last ten minutes of power of the fleet, in bounded memory, for a page that was just opened. It is taken from telemetry, which goes on
 * in measured windows and comes after strict ones; nothing of it is on disk, and a hub that starts begins anew.
 */
export class RecentPower {
  readonly #channels = new Map<string, RememberedChannel>();
  readonly #windows = new Map<string, RunWindows>();

  get channels(): number {
    return this.#channels.size;
  }

  get bytes(): number {
    return [...this.#channels.values()].reduce((sum, { history }) => sum + history.bytes, 0);
  }

  async follow(connection: MqttConnection): Promise<void> {
    // What is lost is missing from a graph for ten minutes: not worth the broker's queue.
    await connection.subscribe(topicFilter("telemetry", { stream: "power" }), (message) => this.#power(message), {
      qos: 0,
    });
    await connection.subscribe(topicFilter("telemetry", { stream: "event" }), (message) => this.#event(message), {
      qos: 0,
    });
  }

  /** What is known of the last minutes, in means over half a second, or over a second of a large fleet. */
  read(minutes: number, nowMs: number): RecentPowerAnswer {
    const spanMs = minutes * 60_000;
    const newest = [...this.#channels.values()]
      .filter(({ history }) => history.newestMs > nowMs - spanMs)
      .sort((a, b) => b.history.newestMs - a.history.newestMs)
      .slice(0, MAX_ANSWERED);
    const stepMs = newest.length > MANY_CHANNELS ? 2 * STEP_MS : STEP_MS;
    const windows = [...this.#windows].flatMap(([device, { ended }]) =>
      ended
        .filter(({ toMs }) => toMs > nowMs - spanMs)
        .map(({ run, title, fromMs, toMs }) => ({ device, run, title, fromMs, toMs })),
    );
    return { stepMs, series: newest.map((known) => seriesOf(known, nowMs - spanMs, nowMs, stepMs)), windows };
  }

  #power({ topic, payload }: MqttMessage): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "telemetry") return;
    const nowMs = Date.now();
    for (const sample of storedSamples(decodeMessage("telemetry", payload))) {
      const timeMs = sample.timeUs / 1000;
      if (sample.source === undefined || timeMs < nowMs - HISTORY_MS || timeMs > nowMs + AHEAD_MS) continue;
      this.#channelOf(parsed.device, sample.channel, sample.source, nowMs)?.history.add(timeMs, sample, "telemetry");
    }
  }

  #event({ topic, payload }: MqttMessage): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "telemetry") return;
    for (const window of windowsOf(decodeMessage("telemetry", payload))) {
      const known = this.#windows.get(parsed.device) ?? new RunWindows();
      // Only devices whose power is remembered: both are bounded by that.
      if ([...this.#channels.values()].some(({ device }) => device === parsed.device)) {
        this.#windows.set(parsed.device, known);
        known.add(window);
      }
    }
  }

  #channelOf(device: string, channel: string, source: string, nowMs: number): RememberedChannel | undefined {
    const key = `${device}/${channel}/${source}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    if (this.#channels.size >= MAX_CHANNELS) this.#dropOld(nowMs);
    if (this.#channels.size >= MAX_CHANNELS) return undefined;
    const created = { device, channel, source, history: new PowerHistory() };
    this.#channels.set(key, created);
    return created;
  }

  #dropOld(nowMs: number): void {
    for (const [key, { history }] of this.#channels) {
      if (history.newestMs < nowMs - HISTORY_MS) this.#channels.delete(key);
    }
    const devices = new Set([...this.#channels.values()].map(({ device }) => device));
    for (const device of this.#windows.keys()) if (!devices.has(device)) this.#windows.delete(device);
  }
}

function seriesOf(
  { device, channel, source, history }: RememberedChannel,
  fromMs: number,
  toMs: number,
  stepMs: number,
): RecentSeries {
  const columns = columnsFor(toMs + stepMs, toMs - fromMs, (toMs - fromMs) / stepMs);
  const sums = new Float64Array(columns.count);
  const counts = new Uint32Array(columns.count);
  const low = new Float64Array(columns.count).fill(Infinity);
  const high = new Float64Array(columns.count).fill(-Infinity);
  history.visit(columns.fromMs, columns.fromMs + columns.count * stepMs, (timeMs, w, wMin, wMax) => {
    const at = Math.floor((timeMs - columns.fromMs) / stepMs);
    sums[at] = (sums[at] ?? 0) + w;
    counts[at] = (counts[at] ?? 0) + 1;
    low[at] = Math.min(low[at] ?? wMin, wMin);
    high[at] = Math.max(high[at] ?? wMax, wMax);
  });
  const means = sums.map((sum, at) => sum / (counts[at] ?? 1));
  const cells = (digits: number, wattsAt: (at: number) => number): (number | null)[] =>
    Array.from(counts, (count, at) => (count === 0 ? null : milliwatts(wattsAt(at), digits)));
  return {
    device,
    channel,
    source,
    fromMs: columns.fromMs,
    mw: cells(MEAN_DIGITS, (at) => means[at] ?? 0),
    mwBelow: cells(SPREAD_DIGITS, (at) => (means[at] ?? 0) - (low[at] ?? 0)),
    mwAbove: cells(SPREAD_DIGITS, (at) => (high[at] ?? 0) - (means[at] ?? 0)),
  };
}

function milliwatts(watts: number, digits: number): number {
  return Number((watts * MILLI).toPrecision(digits));
}
