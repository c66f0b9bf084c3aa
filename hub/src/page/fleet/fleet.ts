import type { DeviceInfo, DeviceStatus, JobState, LiveSample, Stream, TelemetryBatch } from "@edgewatt/protocol";
import { DeviceClock } from "./device-clock.ts";
import { HISTORY_MS, type PowerFigures, type RowKind } from "../chart/power-history.ts";
import { cellOf, liveSamples, storedSamples, windowsOf, type PowerSample, type RunWindow } from "./power-samples.ts";
import { supersedes } from "../vendor/protocol/supersedes.js";
import { isTerminal } from "../vendor/protocol/job-states.js";
import { newestStatus, presenceOf } from "../vendor/protocol/liveness.js";
import { isModelled } from "../vendor/protocol/power-sources.js";
import { parseTopic, type Topic } from "../vendor/protocol/topics.js";

const MAX_JOBS = 500;
/** A row from further ahead has a stamp that is wrong. */
const AHEAD_MS = 5000;

export interface Device {
  readonly id: string;
  status?: DeviceStatus;
  info?: DeviceInfo;
  /** When it last told how the machine does, or became known. */
  heardMs: number;
  /** When it last told anything that comes at once; `undefined` before that. */
  toldMs?: number;
  /** The newest power of each channel; its time is on this clock. */
  readonly watts: Map<string, { timeMs: number; value: number }>;
  /** What its stamps mean here. */
  readonly clock: DeviceClock;
  cpuPct?: number;
  tempC?: number;
}

export type DeviceState = "online" | "measuring" | "stale" | "offline";

export interface DeviceJob extends JobState {
  readonly device: string;
}

export interface PowerPoint extends PowerFigures {
  readonly device: string;
  readonly channel: string;
  readonly estimate: boolean;
  /** When it was taken, ms since the epoch on the clock of the device: see {@link Device.clock}. */
  readonly timeMs: number;
  /** How often the meter is read, ms. */
  readonly periodMs: number;
  readonly kind: RowKind;
  /** The run in whose measured window it was taken. */
  readonly run: string | undefined;
}

/** What the broker says of the fleet, kept up to date message by message. */
export class Fleet {
  readonly devices = new Map<string, Device>();
  readonly jobs = new Map<string, DeviceJob>();
  /** Called for each power sample. */
  onPower: (point: PowerPoint) => void = () => {};
  /** Called for each measured window that has ended; its times are on the clock of the device. */
  onWindow: (device: string, window: RunWindow) => void = () => {};
  /** Called when the clock of a device was set, or turned out to be wrong: its earlier stamps mean something else. */
  onClock: (device: string) => void = () => {};
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
    else if (parsed.kind === "telemetry") this.#telemetry(parsed, message as TelemetryBatch);
    else if (parsed.kind === "live") this.#live(parsed, message as LiveSample);
    else this.onOther(parsed, message);
  }

  /** Takes the mean of a stretch of time, as the hub remembers it. */
  remember(id: string, sample: PowerSample): void {
    this.#stored(this.#device(id), sample, "summary");
  }

  /** What a device's stamps have to be moved by, ms. */
  offsetOf(id: string): number {
    return this.devices.get(id)?.clock.offsetMs ?? 0;
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
    const device = this.devices.get(id) ?? { id, heardMs: Date.now(), watts: new Map(), clock: new DeviceClock() };
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
    if (this.jobs.size > MAX_JOBS) this.jobs.delete(this.#leastWanted() ?? key);
    if (known?.state !== job.state) this.onJob(job);
  }

  /** The job that was heard of first among those that have ended, or else among all. */
  #leastWanted(): string | undefined {
    const [ended = this.jobs.keys().next().value] = [...this.jobs].flatMap(([key, { state }]) =>
      isTerminal(state) ? [key] : [],
    );
    return ended;
  }

  #heard(device: Device): void {
    device.heardMs = Date.now();
    device.toldMs = device.heardMs;
  }

  #telemetry({ device: id, stream }: { device: string; stream: Stream }, batch: TelemetryBatch): void {
    const device = this.#device(id);
    if (stream === "power") for (const sample of storedSamples(batch)) this.#stored(device, sample, "telemetry");
    if (stream === "event") for (const window of windowsOf(batch)) this.onWindow(id, window);
    if (stream !== "system") return;
    this.#heard(device);
    const machine = batch.ch["system"];
    if (machine !== undefined) this.#machine(device, (name) => cellOf(machine, name, machine.dt.length - 1));
  }

  #live({ device: id, stream }: { device: string; stream: Stream }, message: LiveSample): void {
    const device = this.#device(id);
    if (stream === "power") for (const sample of liveSamples(message)) this.#newest(device, sample);
    if (stream !== "system") return;
    this.#heard(device);
    const machine = message.ch["system"];
    if (machine !== undefined) this.#machine(device, (name) => machine[name]);
  }

  #machine(device: Device, cell: (name: string) => unknown): void {
    const [cpuPct, tempC] = [cell("cpuPct"), cell("tempC")];
    if (typeof cpuPct === "number") device.cpuPct = cpuPct;
    if (typeof tempC === "number") device.tempC = tempC;
  }

  /** A live value was taken a moment ago, whatever its stamp says. */
  #newest(device: Device, sample: PowerSample): void {
    const nowMs = Date.now();
    const heard = device.clock.hear(sample.timeUs / 1000, nowMs);
    if (heard === "moved") this.onClock(device.id);
    const timeMs = sample.timeUs / 1000 + device.clock.offsetMs;
    this.#showOnCard(device, sample, heard === false ? nowMs : timeMs);
    if (heard !== false) this.#draw(device, sample, "live");
  }

  #stored(device: Device, sample: PowerSample, kind: RowKind): void {
    const timeMs = sample.timeUs / 1000 + device.clock.offsetMs;
    const nowMs = Date.now();
    // Too old to be shown, or stamped by a clock that is wrong: in the history it would stand in the way of rows to come.
    if (timeMs < nowMs - HISTORY_MS || timeMs > nowMs + AHEAD_MS) return;
    this.#showOnCard(device, sample, timeMs);
    this.#draw(device, sample, kind);
  }

  #showOnCard(device: Device, { channel, w }: PowerSample, timeMs: number): void {
    const known = device.watts.get(channel);
    if (known === undefined || timeMs >= known.timeMs) device.watts.set(channel, { timeMs, value: w });
  }

  #draw(device: Device, sample: PowerSample, kind: RowKind): void {
    const { channel, timeUs, w, wMin, wMax, run } = sample;
    const known = device.info?.power.find((candidate) => candidate.channel === channel);
    // A figure whose source is not known yet could be an estimate, and must not be drawn as a measurement.
    const source = known?.source ?? sample.source;
    if (source === undefined) return;
    const periodMs = 1000 / (known?.rateHz ?? 10);
    const estimate = isModelled(source);
    this.onPower({ device: device.id, channel, estimate, timeMs: timeUs / 1000, periodMs, w, wMin, wMax, kind, run });
  }
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
