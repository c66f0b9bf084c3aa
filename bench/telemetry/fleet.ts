import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@edgewatt/runtime";
import type { VirtualDevice } from "@edgewatt/testing";
import { powerColumns } from "./stream.ts";

/** Agents close a batch this often. */
const BATCH_S = 0.5;
const US = 1e6;

/** One batch on its way: when its rows were taken, µs since the epoch. */
export interface SentBatch {
  readonly device: string;
  readonly tUs: readonly number[];
}

/**
 * Lets devices send real batches in real time: each closes one every half second, at a moment of its own, with the rows of the half
 * second that has just passed, as agents do.
 * @returns what was sent after `countFromUs`
 */
export async function sendInRealTime(
  devices: readonly VirtualDevice[],
  options: {
    readonly rateHz: number;
    readonly countFromUs: number;
    readonly untilUs: number;
    readonly signal: AbortSignal;
  },
): Promise<SentBatch[]> {
  const sent: SentBatch[] = [];
  // Every device waits on it.
  setMaxListeners(devices.length + 10, options.signal);
  await Promise.all(
    devices.map(async (device, index) => {
      const phaseUs = (index / devices.length) * BATCH_S * US;
      const firstUs = Math.ceil(systemClock.nowUs() / (BATCH_S * US)) * BATCH_S * US + phaseUs;
      const rows = options.rateHz * BATCH_S;
      for (let seq = 0; ; seq++) {
        const closesUs = Math.round(firstUs + (seq + 1) * BATCH_S * US);
        if (closesUs > options.untilUs) return;
        await sleep(Math.max(0, (closesUs - systemClock.nowUs()) / 1000), undefined, { signal: options.signal });
        const t0 = closesUs - BATCH_S * US;
        const dt = Array.from({ length: rows }, (_, row) => Math.round((row * US) / options.rateHz));
        void device.send("power", seq, { main: { t0, dt, ...powerColumns(seq, rows), source: "ina226" } });
        if (t0 >= options.countFromUs) sent.push({ device: device.id, tUs: dt.map((offset) => t0 + offset) });
      }
    }),
  );
  return sent;
}
