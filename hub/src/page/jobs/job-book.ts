import type { Command, JobEvent, JobState } from "@edgewatt/protocol";
import type { Fleet } from "../fleet/fleet.ts";
import { isTerminal } from "../vendor/protocol/job-states.js";
import { runStateOf, type RunStateName } from "../vendor/protocol/run-state.js";
import type { Topic } from "../vendor/protocol/topics.js";
import { Pace } from "./pace.ts";

export interface LogLine {
  readonly timeMs: number;
  readonly level: JobEvent["level"];
  readonly message: string;
}

/** A job as the page knows it. */
export interface Job {
  readonly key: string;
  readonly device: string;
  readonly job: string;
  readonly op: string;
  readonly command: Command | null;
  readonly state: JobState | null;
  readonly name: RunStateName;
  readonly log: readonly LogLine[];
  readonly remainingS: number | undefined;
}

const MAX_LINES = 200;
const MAX_COMMANDS = 500;
const MAX_LOGS = 100;
/** Broker and agent answer at once: a command that nobody has answered for so long waits for its device. */
const UNANSWERED_MS = 2_000;
/** How long a job that was watched stays in sight after its end. */
const LINGER_MS = 300_000;

interface Entry {
  command: Command;
  readonly heardMs: number;
}

interface Watched {
  readonly pace: Pace;
  endedMs?: number;
}

/** Commands, log lines and what the page has seen of jobs; their states are the fleet's. */
export class JobBook {
  readonly #fleet: Fleet;
  readonly #commands = new Map<string, Entry>();
  readonly #logs = new Map<string, LogLine[]>();
  readonly #watched = new Map<string, Watched>();
  readonly #dismissed = new Set<string>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  apply(topic: Topic, message: unknown): void {
    if (topic.kind === "command") this.command(topic.device, message as Command);
    else if (topic.kind === "jobEvent") this.#line(keyOf(topic.device, topic.job), message as JobEvent);
  }

  /** Takes a command that was heard or that this page is the author of; an older revision changes nothing. */
  command(device: string, command: Command): void {
    const key = keyOf(device, command.job);
    const known = this.#commands.get(key);
    if (known === undefined) this.#commands.set(key, { command, heardMs: Date.now() });
    else if (command.rev > known.command.rev) known.command = command;
    if (this.#commands.size > MAX_COMMANDS) this.#commands.delete(this.#commands.keys().next().value ?? key);
  }

  /** Keeps a job in sight until some time after its end, though it may never run. */
  watch(device: string, job: string): void {
    this.#watch(keyOf(device, job));
  }

  /** Whether it was in sight while it was open. */
  isWatched(device: string, job: string): boolean {
    return this.#watched.has(keyOf(device, job));
  }

  dismiss({ key }: Job): void {
    this.#dismissed.add(key);
  }

  /** Open jobs, those that run first; then those whose end was watched, the newest first. */
  inSight(nowMs: number): Job[] {
    const keys = new Set([...this.#commands.keys(), ...this.#fleet.jobs.keys()]);
    const jobs = [...keys].flatMap((key) => this.#inSight(key, nowMs) ?? []);
    return jobs.sort((a, b) => orderOf(a) - orderOf(b) || byId(a, b));
  }

  /** The newest revision of a job's command that was heard of; 0 without any. */
  revOf(device: string, job: string): number {
    return this.#commands.get(keyOf(device, job))?.command.rev ?? 0;
  }

  /** Whether the device has done what a command asks for, or has begun to. */
  isAnswered(device: string, { job, cancel }: Command): boolean {
    const state = this.#fleet.jobs.get(keyOf(device, job));
    return state !== undefined && (!cancel || isTerminal(state.state));
  }

  /** How many jobs of a device have not ended. */
  open(device: string): number {
    return [...this.#fleet.jobs.values()].filter((job) => job.device === device && !isTerminal(job.state)).length;
  }

  #inSight(key: string, nowMs: number): Job | undefined {
    if (this.#dismissed.has(key)) return undefined;
    const entry = this.#commands.get(key);
    const state = this.#fleet.jobs.get(key) ?? null;
    const command = entry?.command ?? null;
    const name = runStateOf({ command, state }, nowMs);
    const watched = this.#watched.get(key);
    const isOver = isOverAs(name);
    if (watched === undefined) {
      if (isOver || (state === null && nowMs - (entry?.heardMs ?? nowMs) < UNANSWERED_MS)) return undefined;
      this.#watch(key);
    } else if (isOver) {
      watched.endedMs ??= nowMs;
      if (nowMs - watched.endedMs > LINGER_MS) return undefined;
    }
    const [device = "", job = ""] = key.split("/");
    const pace = this.#watch(key).pace;
    if (state !== null) pace.add(state, nowMs);
    return {
      key,
      device,
      job,
      op: state?.op ?? command?.op ?? "",
      command,
      state,
      name,
      log: this.#logs.get(key) ?? [],
      remainingS: name === "running" ? pace.remainingS(nowMs) : undefined,
    };
  }

  #watch(key: string): Watched {
    const watched = this.#watched.get(key) ?? { pace: new Pace() };
    this.#watched.set(key, watched);
    return watched;
  }

  #line(key: string, { ts, level, message }: JobEvent): void {
    const lines = this.#logs.get(key) ?? [];
    lines.push({ timeMs: ts, level, message });
    if (lines.length > MAX_LINES) lines.shift();
    // The job that told something last comes last.
    this.#logs.delete(key);
    this.#logs.set(key, lines);
    if (this.#logs.size > MAX_LOGS) this.#logs.delete(this.#logs.keys().next().value ?? key);
  }
}

/** Whether nothing more will come of a job that is called so. */
export function isOverAs(name: RunStateName): boolean {
  return name === "expired" || (name !== "waiting" && name !== "canceling" && isTerminal(name));
}

function keyOf(device: string, job: string): string {
  return `${device}/${job}`;
}

function orderOf({ name }: Job): number {
  if (name === "running" || name === "interrupted" || name === "canceling") return 0;
  return isOverAs(name) ? 2 : 1;
}

/** Ids sort by time: the oldest of those that wait comes first, the newest of those that ended. */
function byId(a: Job, b: Job): number {
  const older = a.job < b.job ? -1 : 1;
  return isOverAs(a.name) ? -older : older;
}
