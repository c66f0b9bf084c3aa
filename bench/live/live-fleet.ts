import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeMessage, formatTopic, type Channel } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { powerColumns } from "../telemetry/stream.ts";

const TENTH_MS = 100;
const ROWS_PER_LIVE_BATCH = 5;
const ROWS_PER_OLD_BATCH = 200;
const SOURCES = ["ina226", "estimate"] as const;

/** Devices as the broker shows them: power ten times a second as live values and twice a second as telemetry, the machine once a second. */
export class LiveFleet {
  readonly #connection: MqttConnection;
  readonly #ids: readonly string[];
  #seq = 0;

  private constructor(connection: MqttConnection, count: number) {
    this.#connection = connection;
    this.#ids = Array.from({ length: count }, (_, index) => `pi-${index + 1}`);
  }

  static async connect(broker: string, count: number): Promise<LiveFleet> {
    const log = createLogger({ name: "bench", level: "silent" });
    const connection = await connectMqtt({ url: broker, clientId: "_bench-fleet", log, waitMs: 45_000 });
    const fleet = new LiveFleet(connection, count);
    for (const [index, id] of fleet.#ids.entries()) await fleet.#announce(id, index);
    return fleet;
  }

  /** Sends the telemetry of the last minutes, up to now. */
  async sendPast(minutes: number): Promise<void> {
    const nowMs = Date.now();
    for (let fromMs = nowMs - minutes * 60_000; fromMs < nowMs; fromMs += ROWS_PER_OLD_BATCH * TENTH_MS) {
      for (const [index, id] of this.#ids.entries()) await this.#telemetry(id, index, fromMs, ROWS_PER_OLD_BATCH);
    }
  }

  /** Goes on in real time, each device at moments of its own, until told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    // Every device waits on it.
    setMaxListeners(this.#ids.length + 10, signal);
    await Promise.all(this.#ids.map((id, index) => this.#runDevice(id, index, signal)));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #runDevice(id: string, index: number, signal: AbortSignal): Promise<void> {
    const phaseMs = (index / this.#ids.length) * TENTH_MS;
    for (let n = 1, atMs = Date.now() + phaseMs; !signal.aborted; n++, atMs += TENTH_MS) {
      await sleep(Math.max(0, atMs - Date.now()), undefined, { signal }).catch(() => {});
      const w = wattsOf(index, Math.round(atMs));
      this.#live(id, "power", "main", {
        t: Math.round(atMs * 1000),
        w,
        wMin: w - 0.1,
        wMax: w + 0.2,
        source: sourceOf(index),
      });
      if (n % 10 === 0)
        this.#live(id, "system", "system", { t: Math.round(atMs * 1000), cpuPct: n % 100, tempC: 50 + (n % 9) });
      const fromMs = Math.round(atMs) - (ROWS_PER_LIVE_BATCH - 1) * TENTH_MS;
      if (n % ROWS_PER_LIVE_BATCH === 0) await this.#telemetry(id, index, fromMs, ROWS_PER_LIVE_BATCH).catch(() => {});
    }
  }

  #live(
    device: string,
    stream: "power" | "system",
    channel: string,
    cells: { t: number } & Record<string, number | string>,
  ): void {
    const payload = encodeMessage("live", { v: 1, boot: 1, ch: { [channel]: cells } });
    this.#connection.publish(formatTopic({ kind: "live", device, stream }), payload, { qos: 0 }).catch(() => {});
  }

  async #telemetry(device: string, index: number, fromMs: number, rows: number): Promise<void> {
    const seq = this.#seq++;
    const dt = Array.from({ length: rows }, (_, row) => row * TENTH_MS * 1000);
    const w = dt.map((_, row) => wattsOf(index, fromMs + row * TENTH_MS));
    const { v, a } = powerColumns(seq, rows);
    const [wMin, wMax] = [w.map((watts) => watts - 0.1), w.map((watts) => watts + 0.2)];
    const main: Channel = { t0: fromMs * 1000, dt, w, wMin, wMax, v, a, source: sourceOf(index) };
    const payload = encodeMessage("telemetry", { v: 1, boot: 1, seq, sync: true, ch: { main } });
    await this.#connection.publish(formatTopic({ kind: "telemetry", device, stream: "power" }), payload, { qos: 1 });
  }

  async #announce(device: string, index: number): Promise<void> {
    const ts = Date.now();
    const status = encodeMessage("status", { v: 1, state: "online", boot: 1, conn: 1, ts, cause: "connected" });
    const info = encodeMessage("info", {
      v: 1,
      ts,
      boot: 1,
      versions: { edgewatt: "0.1.0", node: process.version, onnxruntime: "none" },
      hardware: {
        board: "virtual device of a benchmark",
        cpu: "none",
        cores: 4,
        memoryMb: 8000,
        arch: "arm64",
        os: "none",
        governor: null,
        hostId: device,
      },
      operations: ["benchmark"],
      limits: { queuedJobs: 8, commandBytes: 100_000 },
      power: [{ channel: "main", source: sourceOf(index), rateHz: 10, settings: {} }],
      clock: { synchronized: true },
    });
    await this.#connection.publish(formatTopic({ kind: "status", device }), status, { qos: 1, retain: true });
    await this.#connection.publish(formatTopic({ kind: "info", device }), info, { qos: 1, retain: true });
  }
}

function sourceOf(index: number): (typeof SOURCES)[number] {
  return SOURCES[index % SOURCES.length] ?? "ina226";
}

/** Idle and busy stretches with the noise of a meter, a function of time: telemetry says what the live value said. */
function wattsOf(index: number, timeMs: number): number {
  const isBusy = Math.sin(timeMs / 20_000 + index) > 0.3;
  const noise = Math.abs(Math.sin(Math.round(timeMs / TENTH_MS) * 12.9898 + index * 78.233) * 43_758.5453) % 1;
  return 2.5 + index * 0.3 + (isBusy ? 2 : 0) + noise * 0.4;
}
