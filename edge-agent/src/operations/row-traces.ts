import type { BenchmarkArgs, ResultRow } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import { TraceFile, traceName, type TracedStretch } from "../measure/trace-file.ts";
import type { PreparedEntry } from "./entries.ts";
import type { Workbench } from "./workbench.ts";

/** The trace of a row, and what its readers must know of it. */
export interface FinishedTrace {
  readonly trace: NonNullable<ResultRow["trace"]> | null;
  readonly flags: readonly string[];
}

/**
 * The full-rate readings of a job, one file per row. A file that cannot be written or stored costs the trace and no
 * measurement: the reason becomes a flag of the row.
 */
export class RowTraces implements AsyncDisposable {
  readonly #bench: Workbench;
  /** By run. */
  readonly #files: ReadonlyMap<string, TraceFile>;
  readonly #faults = new Map<string, string>();
  readonly #stored = new Set<string>();

  constructor(entries: readonly PreparedEntry[], bench: Workbench) {
    this.#bench = bench;
    this.#files = new Map(entries.map((entry) => [entry.run, openFile(entry, bench)]));
  }

  /** Keeps stretches of an entry; done when they are on the disk. */
  async add({ run }: PreparedEntry, stretches: readonly TracedStretch[]): Promise<void> {
    await this.#attempt(run, (file) => file.add(stretches));
  }

  /** Stores an entry's file, and uploads it where the job says where. */
  async finish(
    { model, precision, run }: PreparedEntry,
    upload: BenchmarkArgs["upload"],
    context: JobContext,
  ): Promise<FinishedTrace> {
    const stored = await this.#attempt(run, (file) => file.store(this.#stored));
    if (stored === undefined) return { trace: null, flags: [`trace-missing: ${this.#faults.get(run) ?? "no file"}`] };
    const { file, sha256, bytes } = stored;
    this.#stored.add(sha256);
    const trace = { name: traceName(model.name, precision, run), sha256, bytes };
    if (upload === undefined) return { trace: { ...trace, url: null }, flags: [] };
    try {
      const url = await this.#bench.store.upload(file, sha256, upload, context.signal);
      return { trace: { ...trace, url }, flags: [] };
    } catch (error) {
      context.signal.throwIfAborted();
      context.event("warn", `the trace of ${run} stays on the device: ${reasonOf(error)}`);
      return { trace: { ...trace, url: null }, flags: [] };
    }
  }

  async #attempt<T>(run: string, action: (file: TraceFile) => Promise<T>): Promise<T | undefined> {
    const file = this.#files.get(run);
    if (file === undefined || this.#faults.has(run)) return undefined;
    try {
      return await action(file);
    } catch (error) {
      this.#faults.set(run, reasonOf(error));
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files.values()) await file[Symbol.asyncDispose]();
  }
}

function openFile({ model, precision, run }: PreparedEntry, bench: Workbench): TraceFile {
  const name = traceName(model.name, precision, run);
  const row = { device: bench.device, run, model: model.name, precision };
  return new TraceFile(bench.traces, name, { ...row, ...channelFacts(bench) });
}

function channelFacts({ power, sampler }: Workbench): Record<string, string> {
  const { channel, source, rateHz, described } = sampler.channel(power.channel);
  return {
    channel,
    source,
    rate: `${rateHz} Hz`,
    settings: JSON.stringify({ ...described?.settings, ...described?.measured }),
    averaging: described === undefined ? "unknown" : `${described.averagingUs} us around t_us`,
    clock: "t_us is CLOCK_MONOTONIC of the device in microseconds",
    columns:
      "watts is the reading, joules the running total of a meter that has one; each stretch has a reading beyond its edges",
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? error.name) : String(error);
}
