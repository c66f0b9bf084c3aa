import { setTimeout as sleep } from "node:timers/promises";
import {
  decodeMessage,
  encodeMessage,
  formatTopic,
  isTerminal,
  topicFilter,
  type Command,
  type JobState,
  type ModelArtifact,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import type { Random } from "./random.ts";

const TICK_MS = 250;
/** A command that nobody answers is published again, as an author does whose broker forgot it. */
const REPEAT_MS = 4000;
/** So many jobs of the first device are open at once, one of them running. */
const OPEN_JOBS = 2;
/** The first device is always at work; the others rest up to so long between jobs, and send at their full rate then. */
const REST_MS = 8000;
const HOUR_MS = 3_600_000;
/** Windows as short as they can be. */
const TINY_BENCHMARK = { quick: true, windows: 1, windowS: 0.3, idleS: 0.2, accuracyImages: 0, threads: 1 };

/** A job that was started, and what was heard of it. */
export interface DrivenJob {
  readonly device: string;
  readonly job: string;
  command: Command;
  readonly startedMs: number;
  /** When it is canceled, if it is. */
  readonly cancelMs: number | undefined;
  publishedMs: number;
  heardMs: number;
  /** The first terminal state. */
  end: JobState | undefined;
  endedMs: number;
  /** Starts by attempt, as `startedAt`. */
  readonly starts: Map<number, number>;
  readonly faults: string[];
}

/** Starts small real jobs all the time, some to be canceled, to time out or to be refused, as a controller does. */
export class JobDriver {
  readonly #mqtt: MqttConnection;
  readonly #devices: readonly string[];
  readonly #model: ModelArtifact;
  readonly #random: Random;
  readonly jobs = new Map<string, DrivenJob>();
  /** Until when a device rests. */
  readonly #restsMs = new Map<string, number>();
  #starting = true;
  #running = true;
  #count = 0;
  #loop: Promise<void> = Promise.resolve();

  private constructor(mqtt: MqttConnection, options: JobDriverOptions) {
    this.#mqtt = mqtt;
    this.#devices = options.devices;
    this.#model = options.model;
    this.#random = options.random;
  }

  static async start(options: JobDriverOptions): Promise<JobDriver> {
    const log = createLogger({ name: "driver", level: "silent" });
    const mqtt = await connectMqtt({ url: options.brokerUrl, clientId: `driver-${process.pid}`, log, waitMs: 45_000 });
    const driver = new JobDriver(mqtt, options);
    await mqtt.subscribe(topicFilter("jobState"), ({ payload }) => driver.#hear(payload));
    driver.#loop = driver.#run();
    return driver;
  }

  /** Jobs that have not ended, as far as was heard. */
  get open(): DrivenJob[] {
    return [...this.jobs.values()].filter(({ end }) => end === undefined);
  }

  /** No new jobs from now on; those that are open are followed to their end. */
  finish(): void {
    this.#starting = false;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    await this.#mqtt.close();
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const nowMs = performance.now();
      if (this.#starting && this.#mqtt.connected) {
        for (const device of this.#devices) if (this.#isReady(device, nowMs)) this.#create(device);
      }
      for (const job of this.open) await this.#care(job, nowMs);
      await sleep(TICK_MS);
    }
  }

  #isReady(device: string, nowMs: number): boolean {
    const open = this.open.filter((job) => job.device === device).length;
    return device === this.#devices[0] ? open < OPEN_JOBS : open === 0 && nowMs >= (this.#restsMs.get(device) ?? 0);
  }

  #create(device: string): void {
    const number = ++this.#count;
    const nowMs = Date.now();
    const kind = this.#random.next();
    const { op, args } = this.#work(number);
    const command: Command = {
      v: 1,
      job: `fault-${process.pid}-${String(number).padStart(5, "0")}`,
      op,
      rev: 1,
      issuedAt: nowMs,
      expiresAt: nowMs + HOUR_MS,
      timeoutS: kind < 0.1 ? 0.5 : 60,
      cancel: false,
      by: "faults",
      args: kind > 0.95 ? {} : args,
    };
    const startedMs = performance.now();
    this.jobs.set(command.job, {
      device,
      job: command.job,
      command,
      startedMs,
      cancelMs: kind >= 0.1 && kind < 0.25 ? startedMs + this.#random.whole(0, 4000) : undefined,
      publishedMs: -Infinity,
      heardMs: -Infinity,
      end: undefined,
      endedMs: 0,
      starts: new Map(),
      faults: [],
    });
  }

  #work(number: number): Pick<Command, "op" | "args"> {
    const model = this.#model;
    const calibration = { kind: "synthetic", seed: number };
    if (this.#random.next() < 0.5) return { op: "quantize", args: { model, calibration, options: { images: 2 } } };
    const entries = [{ model, precision: this.#random.pick(["fp32", "int8"]) }];
    const options = { ...TINY_BENCHMARK, seed: number, quantize: { images: 2 } };
    return { op: "benchmark", args: { entries, calibration, options } };
  }

  async #care(job: DrivenJob, nowMs: number): Promise<void> {
    if (job.cancelMs !== undefined && nowMs >= job.cancelMs && !job.command.cancel) {
      job.command = { ...job.command, rev: 2, cancel: true };
      job.publishedMs = -Infinity;
    }
    if (nowMs - Math.max(job.publishedMs, job.heardMs) < REPEAT_MS && job.publishedMs !== -Infinity) return;
    const { device, command } = job;
    const topic = formatTopic({ kind: "command", device, op: command.op, job: command.job });
    try {
      await this.#mqtt.publish(topic, encodeMessage("command", command), { retain: true });
      job.publishedMs = nowMs;
    } catch {
      // Not connected: the next tick tries again.
    }
  }

  #hear(payload: Uint8Array): void {
    if (payload.byteLength === 0) return;
    const state = decodeMessage("jobState", payload);
    const job = this.jobs.get(state.job);
    if (job === undefined) return;
    job.heardMs = performance.now();
    if (job.end !== undefined && state.state !== job.end.state) {
      job.faults.push(`it was ${job.end.state} and is ${state.state}`);
    }
    if (state.startedAt !== undefined) {
      const before = job.starts.get(state.attempt) ?? state.startedAt;
      if (before !== state.startedAt) job.faults.push(`attempt ${state.attempt} started twice`);
      job.starts.set(state.attempt, before);
    }
    if (job.end === undefined && isTerminal(state.state)) {
      job.end = state;
      job.endedMs = job.heardMs;
      this.#restsMs.set(job.device, job.heardMs + this.#random.whole(0, REST_MS));
    }
  }
}

export interface JobDriverOptions {
  readonly brokerUrl: string;
  readonly devices: readonly string[];
  readonly model: ModelArtifact;
  readonly random: Random;
}
