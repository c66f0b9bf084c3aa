import {
  encodeMessage,
  formatTopic,
  RESULTS_SCHEMA,
  type JobState,
  type MessageOf,
  type PowerSource,
  type Precision,
  type ResultRow,
  type Results,
  type Topic,
  type TopicKind,
} from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";

const MODELS = [
  { pruning: 0, params: 3_217_226, scale: 1, accuracy: 91.2 },
  { pruning: 0.1, params: 2_606_173, scale: 0.87, accuracy: 90.8 },
  { pruning: 0.2, params: 2_066_884, scale: 0.74, accuracy: 90.1 },
  { pruning: 0.4, params: 1_174_647, scale: 0.56, accuracy: 87.1 },
] as const;

/** A device as the wire shows it: every message goes through the codec and the broker. */
export class VirtualDevice {
  readonly id: string;
  readonly #connection: MqttConnection;
  #seq = 0;

  constructor(connection: MqttConnection, id: string) {
    this.id = id;
    this.#connection = connection;
  }

  /** Where its watts come from. */
  source: PowerSource = "estimate";
  /** Why there are none. */
  fault: string | undefined;

  async online(over: Partial<MessageOf<"status">> = {}): Promise<void> {
    await this.#retain(
      { kind: "status", device: this.id },
      { v: 1, state: "online", boot: 1, conn: 1, ts: Date.now(), cause: "connected", ...over },
    );
    await this.#retain(
      { kind: "info", device: this.id },
      {
        v: 1,
        ts: Date.now(),
        boot: 1,
        versions: { edgewatt: "0.1.0", node: "20.20.2", onnxruntime: "1.30.0" },
        hardware: {
          board: "Raspberry Pi 5 Model B Rev 1.0",
          cpu: "Cortex-A76",
          cores: 4,
          memoryMb: 8000,
          arch: "arm64",
          os: "Debian GNU/Linux 13",
          governor: "performance",
          hostId: "0123456789abcdef",
        },
        operations: ["quantize", "benchmark"],
        limits: { queuedJobs: 8, commandBytes: 100_000 },
        power: [
          {
            channel: "main",
            source: this.source,
            rateHz: 10,
            settings: { idleW: 2.7, fullW: 7.1 },
            ...(this.fault === undefined ? {} : { fault: this.fault }),
          },
        ],
        clock: { synchronized: true },
      },
    );
  }

  async telemetry(watts: number, cpuPct = 42): Promise<void> {
    const t0 = (Date.now() - 500) * 1000;
    const dt = [0, 100_000, 200_000, 300_000, 400_000];
    const seq = this.#seq++;
    const power = {
      t0,
      dt,
      w: dt.map((_, index) => watts + index * 0.01),
      wMin: watts,
      wMax: watts + 0.05,
      source: this.source,
    };
    await this.#publish(
      { kind: "telemetry", device: this.id, stream: "power" },
      { v: 1, boot: 1, seq, sync: true, ch: { main: power } },
    );
    await this.#publish(
      { kind: "telemetry", device: this.id, stream: "system" },
      { v: 1, boot: 1, seq, sync: true, ch: { system: { t0, dt: [0], cpuPct, tempC: 51.5 } } },
    );
  }

  async jobState(state: Partial<JobState> & Pick<JobState, "job" | "state">): Promise<void> {
    await this.#retain(
      { kind: "jobState", device: this.id, job: state.job },
      { v: 1, op: "benchmark", rev: 1, ts: Date.now(), boot: 1, attempt: 1, ...state },
    );
  }

  async jobEvent(job: string, message: string, level: MessageOf<"jobEvent">["level"] = "info"): Promise<void> {
    await this.#publish({ kind: "jobEvent", device: this.id, job }, { v: 1, job, ts: Date.now(), level, message });
  }

  async command(job: string, rev = 1, change: { expiresAt?: number } = {}): Promise<void> {
    await this.#retain(
      { kind: "command", device: this.id, op: "benchmark", job },
      this.commandMessage(job, rev, change),
    );
  }

  commandMessage(job: string, rev = 1, change: { expiresAt?: number } = {}): MessageOf<"command"> {
    return {
      v: 1,
      job,
      op: "benchmark",
      rev,
      issuedAt: Date.now(),
      expiresAt: Date.now() + 3_600_000,
      timeoutS: 7200,
      cancel: false,
      by: "test@host",
      args: { entries: [] },
      ...change,
    };
  }

  results(): Results {
    return {
      schema: RESULTS_SCHEMA,
      created: new Date().toISOString(),
      devices: [
        {
          id: this.id,
          board: "Raspberry Pi 5 Model B Rev 1.0",
          cpu: "Cortex-A76",
          cores: 4,
          governor: "performance",
          os: "Debian GNU/Linux 13",
          node: "20.20.2",
          onnxruntime: "1.30.0",
          power: { source: "estimate", channel: "main", rateHz: 10, settings: {} },
        },
      ],
      method: { quick: true, windows: 3, windowS: 2, threads: 3, batch: 1, accuracyImages: 2000, calibration: null },
      rows: MODELS.flatMap((model) => (["fp32", "int8"] as const).map((precision) => this.#row(model, precision))),
    };
  }

  #row(model: (typeof MODELS)[number], precision: Precision): ResultRow {
    const latency = 18.4 * model.scale * (precision === "int8" ? 0.45 : 1);
    return {
      device: this.id,
      model: `mobilenetv1-cifar10-p${String(model.pruning * 100).padStart(2, "0")}`,
      pruning: model.pruning,
      fineTuneEpochs: model.pruning === 0 ? 0 : 5,
      precision,
      params: model.params,
      fileSizeMb: (model.params * (precision === "int8" ? 1.1 : 4)) / 1e6,
      maxMemoryMb: 96.4,
      memoryBaselineMb: 54.1,
      latencyMs: {
        mean: latency,
        p50: latency * 0.99,
        p95: latency * 1.1,
        p99: latency * 1.3,
        halfWidth95: latency * 0.02,
      },
      maxPowerW: 6.3,
      meanPowerW: 5.2,
      idlePowerW: 2.8,
      imageMs: latency,
      energyMj: {
        gross: 5.2 * latency,
        grossHalfWidth95: latency * 0.1,
        net: 2.4 * latency,
        netHalfWidth95: latency * 0.1,
      },
      accuracyPct: model.accuracy - (precision === "int8" ? 0.3 : 0),
      factors: { threads: 3, spinning: false, batch: 1 },
      flags: ["quick: short windows, not a result to cite"],
      run: "job/0",
    };
  }

  async #publish<K extends TopicKind>(
    topic: Topic & { kind: K },
    message: Parameters<typeof encodeMessage<K>>[1],
  ): Promise<void> {
    await this.#connection.publish(formatTopic(topic), encodeMessage(topic.kind, message), { qos: 1 });
  }

  async #retain<K extends TopicKind>(
    topic: Topic & { kind: K },
    message: Parameters<typeof encodeMessage<K>>[1],
  ): Promise<void> {
    await this.#connection.publish(formatTopic(topic), encodeMessage(topic.kind, message), { qos: 1, retain: true });
  }
}
