import type { DeviceInfo, DeviceStatus, JobState, LiveSample, TelemetryBatch } from "@edgewatt/protocol";
import { supersedes } from "./vendor/protocol/supersedes.js";
import { newestStatus, presenceOf } from "./vendor/protocol/liveness.js";
import { isModelled } from "./vendor/protocol/power-sources.js";
import { parseTopic, type Topic } from "./vendor/protocol/topics.js";

const MAX_JOBS = 500;

export interface Device {
  readonly id: string;
  status?: DeviceStatus;
  info?: DeviceInfo;
  /** When it last told how the machine does, or became known. */
  heardMs: number;
  readonly watts: Map<string, { timeMs: number; value: number }>;
  cpuPct?: number;
  tempC?: number;
}

export type DeviceState = "online" | "measuring" | "stale" | "offline";

export interface DeviceJob extends JobState {
  readonly device: string;
}

export interface PowerPoint {
  readonly device: string;
  readonly channel: string;
  readonly estimate: boolean;
  readonly timeMs: number;
  readonly watts: number;
}

type Cell = number | string | boolean | null;

/** What the broker says of the fleet, kept up to date message by message. */
export class Fleet {
  readonly devices = new Map<string, Device>();
  readonly jobs = new Map<string, DeviceJob>();
  /** Called for each power sample. */
  onPower: (point: PowerPoint) => void = () => {};
  /** Called when a job's state differs from the one known. */
  onJob: (job: DeviceJob) => void = () => {};
  /** Called with what says nothing of a device or a job's state: commands, and lines for people. */
  onOther: (topic: Topic, message: unknown) => void = () => {};

  /** Takes one message; what is not of this version of the protocol is left out. */
  apply(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    const message = parse(payload);
    if (parsed === undefined || message === undefined) return;
    if (parsed.kind === "status") this.#status(parsed.device, message as DeviceStatus);
    else if (parsed.kind === "info") this.#device(parsed.device).info = message as DeviceInfo;
    else if (parsed.kind === "jobState") this.#job({ ...(message as JobState), device: parsed.device });
    else if (parsed.kind === "telemetry") this.#samples(parsed, batchRows(message as TelemetryBatch));
    else if (parsed.kind === "live") this.#samples(parsed, liveRows(message as LiveSample));
    else this.onOther(parsed, message);
  }

  stateOf(device: Device, nowMs: number): DeviceState {
    const presence = presenceOf(device.status, { heardMs: device.heardMs, nowMs });
    if (presence !== "online") return presence;
    if ((device.status?.measuringUntil ?? 0) > nowMs) return "measuring";
    const measuring = [...this.jobs.values()].some(
      (job) =>
        job.device === device.id && job.state === "running" && (job.step === "measure" || job.step === "warm-up"),
    );
    return measuring ? "measuring" : "online";
  }

  #device(id: string): Device {
    const device = this.devices.get(id) ?? { id, heardMs: Date.now(), watts: new Map() };
    this.devices.set(id, device);
    return device;
  }

  #status(id: string, status: DeviceStatus): void {
    const device = this.#device(id);
    const known = device.status;
    device.status = newestStatus(known, status);
    // A device that comes back has not been silent while it was away.
    if (known?.state === "offline" && device.status.state === "online") device.heardMs = Date.now();
  }

  #job(job: DeviceJob): void {
    const key = `${job.device}/${job.job}`;
    const known = this.jobs.get(key);
    if (known !== undefined && !supersedes(job, known)) return;
    this.jobs.delete(key);
    this.jobs.set(key, job);
    if (this.jobs.size > MAX_JOBS) this.jobs.delete(this.jobs.keys().next().value ?? key);
    if (known?.state !== job.state) this.onJob(job);
  }

  #samples({ device, stream }: { device: string; stream: string }, samples: Iterable<Sample>): void {
    if (stream === "system") this.#device(device).heardMs = Date.now();
    for (const sample of samples) this.#sample(device, stream, sample);
  }

  #sample(id: string, stream: string, { channel, timeUs, row }: Sample): void {
    const device = this.#device(id);
    if (stream === "system" && channel === "system") {
      if (typeof row["cpuPct"] === "number") device.cpuPct = row["cpuPct"];
      if (typeof row["tempC"] === "number") device.tempC = row["tempC"];
    }
    if (stream !== "power" || typeof row["w"] !== "number") return;
    // A clock that is not synchronized may be anywhere in time: such a point is placed where it arrives.
    const timeMs = device.info?.clock.synchronized === false ? Date.now() : timeUs / 1000;
    const known = device.watts.get(channel);
    if (known === undefined || timeMs >= known.timeMs) device.watts.set(channel, { timeMs, value: row["w"] });
    // A figure whose source is not known yet could be an estimate, and must not be drawn as a measurement.
    const source = sourceOf(device, channel) ?? row["source"];
    if (typeof source === "string") {
      this.onPower({ device: id, channel, estimate: isModelled(source), timeMs, watts: row["w"] });
    }
  }
}

function sourceOf(device: Device, channel: string): string | undefined {
  return device.info?.power.find((candidate) => candidate.channel === channel)?.source;
}

interface Sample {
  readonly channel: string;
  readonly timeUs: number;
  readonly row: Readonly<Record<string, Cell | undefined>>;
}

function* batchRows(batch: TelemetryBatch): Generator<Sample> {
  for (const [channel, { t0, dt, ...columns }] of Object.entries(batch.ch)) {
    for (const [index, offset] of dt.entries()) {
      const cells = Object.entries(columns).map(([name, column]) => [
        name,
        Array.isArray(column) ? column[index] : column,
      ]);
      yield { channel, timeUs: t0 + offset, row: Object.fromEntries(cells) as Sample["row"] };
    }
  }
}

function* liveRows(sample: LiveSample): Generator<Sample> {
  for (const [channel, { t, ...row }] of Object.entries(sample.ch)) yield { channel, timeUs: t, row };
}

function parse(payload: Uint8Array): unknown {
  try {
    const message: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof message === "object" && message !== null && "v" in message && message.v === 1 ? message : undefined;
  } catch {
    // Not JSON, or taken back by its writer: an empty payload.
    return undefined;
  }
}
