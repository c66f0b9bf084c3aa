import { decodeMessage, isTerminal, supersedes, type Command, type JobState, type Run } from "@edgewatt/protocol";
import type { Logger } from "@edgewatt/runtime";
import { JournalFile } from "./journal-file.ts";

type Message =
  | { readonly kind: "command"; readonly device: string; readonly message: Command }
  | { readonly kind: "jobState"; readonly device: string; readonly message: JobState };

/** How much is remembered. */
export interface JournalLimits {
  readonly maxRuns: number;
  /** Of a run that has ended, since it began. */
  readonly maxAgeMs: number;
}

const DEFAULT_LIMITS: JournalLimits = { maxRuns: 1000, maxAgeMs: Infinity };
const AGE_CHECK_MS = 3_600_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Commands and states of all jobs, in memory and on disk; of each job the newest, of all jobs the newest within the limits. */
export class Journal {
  readonly #runs = new Map<string, Run>();
  #file: JournalFile | undefined;
  readonly #limits: JournalLimits;
  #version = 0;
  #agesCheckedMs = -Infinity;

  private constructor(limits: JournalLimits) {
    this.#limits = limits;
  }

  static async open(file: string, log: Logger, limits = DEFAULT_LIMITS): Promise<Journal> {
    const journal = new Journal(limits);
    journal.#file = await JournalFile.open(file, log, (records) => {
      for (const record of records) journal.#restore(record, log);
      journal.#prune();
      return journal.#records();
    });
    return journal;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** Size of its file, with what waits to be written. */
  get bytes(): number {
    return this.#file?.bytes ?? 0;
  }

  /** Age of the oldest entry that is not on the disk yet, s; 0 without one. */
  get lagS(): number {
    return this.#file?.lagS ?? 0;
  }

  /** Newest first. */
  runs(): Run[] {
    return [...this.#runs.values()].sort((a, b) => startOf(b) - startOf(a));
  }

  /** A job is unique by its id in practice; where two devices were sent the same id, the newest run. */
  runOf(job: string): Run | undefined {
    return this.runs().find((run) => run.job === job);
  }

  runOn(device: string, job: string): Run | undefined {
    return this.#runs.get(keyOf(device, job));
  }

  /** Keeps a command unless one of the same or a higher rev is known. */
  command(device: string, message: Command): void {
    this.#record({ kind: "command", device, message });
  }

  /** Keeps a state unless it is known, older, or the job has ended. */
  state(device: string, message: JobState): void {
    this.#record({ kind: "jobState", device, message });
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #record(entry: Message): void {
    if (!this.#apply(entry)) return;
    this.#file?.append(entry);
    this.#prune();
    if ((this.#file?.bytes ?? 0) > MAX_BYTES) this.#compact();
  }

  #restore(record: unknown, log: Logger): void {
    try {
      const { kind, device, message } = record as { kind: string; device: string; message: unknown };
      const payload = Buffer.from(JSON.stringify(message));
      if (kind === "command") this.#apply({ kind, device, message: decodeMessage("command", payload) });
      else if (kind === "jobState") this.#apply({ kind, device, message: decodeMessage("jobState", payload) });
    } catch (error) {
      log.warn({ err: error }, "skipped an entry of the journal that this version cannot read");
    }
  }

  #apply(entry: Message): boolean {
    const { device, message } = entry;
    const key = keyOf(device, message.job);
    const known = this.#runs.get(key) ?? { device, job: message.job, op: message.op, command: null, state: null };
    if (entry.kind === "command") {
      if (known.command !== null && known.command.rev >= entry.message.rev) return false;
      this.#runs.set(key, { ...known, command: entry.message });
    } else {
      if (known.state !== null && !supersedes(entry.message, known.state)) return false;
      this.#runs.set(key, { ...known, state: entry.message });
    }
    this.#version++;
    return true;
  }

  #prune(): void {
    while (this.#runs.size > this.#limits.maxRuns) this.#forgetOldest();
    const nowMs = Date.now();
    if (nowMs - this.#agesCheckedMs < AGE_CHECK_MS) return;
    this.#agesCheckedMs = nowMs;
    for (const [key, run] of this.#runs) {
      const ended = run.state !== null && isTerminal(run.state.state);
      if (ended && nowMs - startOf(run) > this.#limits.maxAgeMs) this.#runs.delete(key);
    }
  }

  /** Half of the limit is free after it, or else every message would compact again. */
  #compact(): void {
    let records = this.#records();
    while (JSON.stringify(records).length > MAX_BYTES / 2 && this.#runs.size > 1) {
      for (let i = Math.ceil(this.#runs.size / 4); i > 0; i--) this.#forgetOldest();
      records = this.#records();
    }
    this.#file?.compact(records);
  }

  #forgetOldest(): void {
    const newestFirst = this.runs();
    const ended = newestFirst.filter((run) => run.state !== null && isTerminal(run.state.state));
    const oldest = ended.at(-1) ?? newestFirst.at(-1);
    if (oldest !== undefined) this.#runs.delete(keyOf(oldest.device, oldest.job));
  }

  #records(): Message[] {
    const records: Message[] = [];
    for (const { device, command, state } of this.runs().toReversed()) {
      if (command !== null) records.push({ kind: "command", device, message: command });
      if (state !== null) records.push({ kind: "jobState", device, message: state });
    }
    return records;
  }
}

function keyOf(device: string, job: string): string {
  return `${device}/${job}`;
}

function startOf(run: Run): number {
  return run.command?.issuedAt ?? run.state?.startedAt ?? run.state?.ts ?? 0;
}
