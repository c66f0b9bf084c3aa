import type { BenchmarkArgs, ResultRow } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import { TraceFile, traceName, type TracedStretch } from "../measure/trace-file.ts";
import type { PreparedEntry } from "./entries.ts";
import type { Workbench } from "./workbench.ts";

type RowTrace = NonNullable<ResultRow["trace"]>;

/**
 * The full-rate readings of a job, one file per row. A file that cannot be written or stored costs the trace and no
 * measurement: the reason becomes a flag of the row.
 */
export class RowTraces implements AsyncDisposable {
  readonly #entries: readonly PreparedEntry[];
  readonly #bench: Workbench;
  readonly #files: TraceFile[];
  readonly #faults = new Map<number, string>();
  readonly #stored = new Set<string>();

  constructor(entries: readonly PreparedEntry[], bench: Workbench) {
    this.#entries = entries;
    this.#bench = bench;
    this.#files = entries.map(
      ({ model, precision, run }) =>
        new TraceFile(bench.traces, traceName(model.name, precision, run), {
          device: bench.device,
          run,
          model: model.name,
          precision,
          ...channelFacts(bench),
        }),
    );
  }

  /** Keeps stretches of an entry; done when they are on the disk. */
  async add(index: number, stretches: readonly TracedStretch[]): Promise<void> {
    await this.#attempt(index, (file) => file.add(stretches));
  }

  /** Stores an entry's file, and uploads it where the job says where. */
  async finish(
    index: number,
    upload: BenchmarkArgs["upload"],
    context: JobContext,
  ): Promise<{ trace: RowTrace | null; flags: string[] }> {
    const entry = this.#entries[index];
    const stored = await this.#attempt(index, (file) => file.store(this.#stored));
    if (entry === undefined || stored === undefined) {
      return { trace: null, flags: [`trace-missing: ${this.#faults.get(index) ?? "no file"}`] };
    }
    const { file, sha256, bytes } = stored;
    this.#stored.add(sha256);
    const trace = { name: traceName(entry.model.name, entry.precision, entry.run), sha256, bytes };
    if (upload === undefined) return { trace: { ...trace, url: null }, flags: [] };
    try {
      const url = await this.#bench.store.upload(file, sha256, upload, context.signal);
      return { trace: { ...trace, url }, flags: [] };
    } catch (error) {
      context.signal.throwIfAborted();
      context.event("warn", `the trace of ${entry.run} stays on the device: ${reasonOf(error)}`);
      return { trace: { ...trace, url: null }, flags: [] };
    }
  }

  async #attempt<T>(index: number, action: (file: TraceFile) => Promise<T>): Promise<T | undefined> {
    const file = this.#files[index];
    if (file === undefined || this.#faults.has(index)) return undefined;
    try {
      return await action(file);
    } catch (error) {
      this.#faults.set(index, reasonOf(error));
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files) await file[Symbol.asyncDispose]();
  }
}

function channelFacts({ power, sampler }: Workbench): Record<string, string> {
  const { channel, source, rateHz, described } = sampler.channel(power.channel);
  return {
    channel,
    source,
    rate: `${rateHz} Hz`,
    settings: JSON.stringify(described?.settings ?? {}),
    averaging: described === undefined ? "unknown" : `${described.averagingUs} us around t_us`,
    clock: "t_us is CLOCK_MONOTONIC of the device in microseconds",
    columns:
      "watts is the reading, joules the running total of a meter that has one; each stretch has a reading beyond its edges",
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? error.name) : String(error);
}
