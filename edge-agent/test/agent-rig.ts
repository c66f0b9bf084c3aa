import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  decodeMessage,
  encodeMessage,
  formatTopic,
  parseTopic,
  type Command,
  type DeviceInfo,
  type DeviceStatus,
  type JobState,
  type ModelArtifact,
  type Stream,
  type TelemetryBatch,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { eventually, spawnService, type SpawnedService } from "@edgewatt/testing";

const BIN = new URL("../bin/edgewatt-agent.js", import.meta.url);
/** A job is work and no mere answer: limits that only a hang reaches, of a job and of a test that waits for some of them. */
const JOB_LIMIT_MS = 200_000;
export const JOBS_LIMIT_MS = 400_000;
const MODELS = fileURLToPath(new URL("../../models", import.meta.url));

export interface Row {
  readonly key: string;
  readonly tUs: number;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** A controller's and an ingest's view of the broker, all messages decoded and so checked. */
export class Observer {
  readonly #mqtt: MqttConnection;
  readonly status = new Map<string, DeviceStatus>();
  readonly info = new Map<string, DeviceInfo>();
  readonly states: JobState[] = [];
  readonly batches: { device: string; stream: Stream; batch: TelemetryBatch }[] = [];
  readonly live: string[] = [];

  private constructor(mqtt: MqttConnection) {
    this.#mqtt = mqtt;
  }

  static async connect(url: string): Promise<Observer> {
    const log = createLogger({ name: "observer", level: "error" });
    const mqtt = await connectMqtt({ url, clientId: `observer-${process.pid}`, log, waitMs: 45_000 });
    const observer = new Observer(mqtt);
    for (const filter of ["status", "info", "tele/+", "live/+", "job/+/+"]) {
      await mqtt.subscribe(`edgewatt/v1/+/${filter}`, (message) => observer.#receive(message));
    }
    return observer;
  }

  /** Announces an ingest, and acknowledges every batch when asked to. */
  async playIngest(acknowledge: boolean): Promise<void> {
    const topic = formatTopic({ kind: "service", name: "ingest", id: "test" });
    const status = { v: 1, state: "online", ts: Date.now(), epoch: Date.now() } as const;
    await this.#mqtt.publish(topic, encodeMessage("service", status), { qos: 1, retain: true });
    if (!acknowledge) return;
    await this.#mqtt.subscribe("edgewatt/v1/+/tele/#", ({ topic: from, payload }) => {
      const parsed = parseTopic(from);
      if (parsed?.kind !== "telemetry") return;
      const { boot, seq } = decodeMessage("telemetry", payload);
      const ack = encodeMessage("ack", { v: 1, boot, ranges: [[seq, seq]] });
      // At the end of a test there is nobody left to tell.
      this.#mqtt.publish(formatTopic({ ...parsed, kind: "ack" }), ack).catch(() => {});
    });
  }

  async send(device: string, message: Command): Promise<void> {
    const { op, job } = message;
    const payload = encodeMessage("command", message);
    await this.#mqtt.publish(formatTopic({ kind: "command", device, op, job }), payload, { qos: 1, retain: true });
  }

  async sendRaw(device: string, job: string, payload: string): Promise<void> {
    await this.#mqtt.publish(formatTopic({ kind: "command", device, op: "benchmark", job }), payload, { qos: 1 });
  }

  stateOf(job: string): JobState | undefined {
    return this.states.findLast((state) => state.job === job);
  }

  async reach(job: string, state: string): Promise<JobState> {
    return eventually(
      () => {
        const now = this.stateOf(job);
        if (now?.state === state) return now;
        throw new RangeError(`job ${job} is ${now?.state} ${JSON.stringify(now?.reason)}, not ${state}`);
      },
      { timeoutMs: JOB_LIMIT_MS },
    );
  }

  /** Waits for a step of a running job that lasts until the test ends it. */
  async reachStep(job: string, step: string): Promise<void> {
    await eventually(
      () => {
        const now = this.stateOf(job)?.step;
        if (now !== step) throw new RangeError(`job ${job} is at step ${now}, not ${step}`);
      },
      { timeoutMs: JOB_LIMIT_MS, everyMs: 20 },
    );
  }

  /** All rows of a stream of a device, in order of time; a batch that was sent twice counts once. */
  rows(device: string, stream: Stream): Row[] {
    const seen = new Map<string, TelemetryBatch>();
    for (const entry of this.batches) {
      if (entry.device !== device || entry.stream !== stream) continue;
      seen.set(`${entry.batch.boot}/${entry.batch.seq}`, entry.batch);
    }
    const rows = [...seen.values()].flatMap((batch) =>
      Object.entries(batch.ch).flatMap(([key, { t0, dt, ...columns }]) =>
        dt.map((offset, i) => ({
          key,
          tUs: t0 + offset,
          columns: Object.fromEntries(
            Object.entries(columns).map(([name, cells]) => [name, Array.isArray(cells) ? cells[i] : cells]),
          ),
        })),
      ),
    );
    return rows.sort((a, b) => a.tUs - b.tUs);
  }

  close(): Promise<void> {
    return this.#mqtt.close();
  }

  #receive({ topic, payload }: { topic: string; payload: Uint8Array }): void {
    const parsed = parseTopic(topic);
    if (parsed === undefined) throw new RangeError(`unexpected topic ${topic}`);
    // A retained message that was taken back.
    if (payload.byteLength === 0) return;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what it did not subscribe to cannot come
    switch (parsed.kind) {
      case "status":
        this.status.set(parsed.device, decodeMessage("status", payload));
        break;
      case "info":
        this.info.set(parsed.device, decodeMessage("info", payload));
        break;
      case "jobState":
        this.states.push(decodeMessage("jobState", payload));
        break;
      case "jobEvent":
        decodeMessage("jobEvent", payload);
        break;
      case "telemetry": {
        const batch = decodeMessage("telemetry", payload);
        this.batches.push({ device: parsed.device, stream: parsed.stream, batch });
        break;
      }
      case "live":
        decodeMessage("live", payload);
        this.live.push(parsed.stream);
        break;
      default:
        throw new RangeError(`unexpected topic ${topic}`);
    }
  }
}

export function startAgent(options: {
  broker: string;
  device: string;
  data: string;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
}): Promise<SpawnedService> {
  const { broker, device, data, args = [], env } = options;
  const flags = ["--broker", broker, "--device", device, "--data", data, "--log-level", "warn", ...args];
  return spawnService(BIN, flags, env === undefined ? {} : { env });
}

/** Processes that the agent started for one of its scripts, such as `runner/child.js`. */
export async function childrenOf(agent: SpawnedService, script: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
        const commandLine = await readFile(`/proc/${pid}/cmdline`, "latin1");
        return Number(parent) === agent.child.pid && commandLine.includes(script) ? [Number(pid)] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    }),
  );
  return found.flat();
}

/** A model of the zoo as a command names it. */
export async function zooModel(name: string): Promise<ModelArtifact> {
  const file = path.join(MODELS, `${name}.onnx`);
  const sha256 = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return {
    kind: "model",
    name,
    url: pathToFileURL(file).href,
    sha256,
    bytes: (await stat(file)).size,
    pruning: 0.4,
    fineTuneEpochs: 20,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
  };
}

export function command(job: string, args: Command["args"], over: Partial<Command> = {}): Command {
  const now = Date.now();
  return {
    v: 1,
    job,
    op: "benchmark",
    rev: 1,
    issuedAt: now,
    expiresAt: now + 3_600_000,
    timeoutS: 300,
    cancel: false,
    by: "test",
    args,
    ...over,
  };
}
