import type { PowerInterval } from "../sampler/messages.ts";

/** 13 minutes of tenths of a second: more than the longest window with its idle stretches. */
const KEPT = 8192;

/** Recent voltages of each channel, which the offsets of a meter act on. */
export class SupplyVoltage {
  readonly #channels = new Map<string, { tUs: Float64Array; volts: Float64Array; written: number }>();

  add(channel: string, { tUs, v }: Pick<PowerInterval, "tUs" | "v">): void {
    let kept = this.#channels.get(channel);
    if (kept === undefined) {
      kept = { tUs: new Float64Array(KEPT), volts: new Float64Array(KEPT), written: 0 };
      this.#channels.set(channel, kept);
    }
    kept.tUs[kept.written % KEPT] = tUs;
    kept.volts[kept.written % KEPT] = v;
    kept.written += 1;
  }

  /** Mean of the intervals that end between two moments; `null` where there is none, or where the meter tells no voltage. */
  mean(channel: string, fromUs: number, toUs: number): number | null {
    const { tUs, volts, written } = this.#channels.get(channel) ?? { tUs: [], volts: [], written: 0 };
    let sum = 0;
    let count = 0;
    for (let i = 0; i < Math.min(written, KEPT); i++) {
      const t = tUs[i] ?? 0;
      if (t <= fromUs || t > toUs) continue;
      sum += volts[i] ?? Number.NaN;
      count += 1;
    }
    const mean = sum / count;
    return Number.isNaN(mean) ? null : mean;
  }
}
