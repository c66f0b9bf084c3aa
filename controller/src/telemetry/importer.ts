import {
  DATABASE,
  type DatabaseClient,
  DatabaseError,
  identifier,
  measurementNameOf,
  type NumberedLine,
  timeOfLine,
  TouchedTime,
  writeLines,
} from "@edgewatt/database";

export interface ImportTarget {
  readonly precision: "ns" | "u" | "s";
  readonly policy?: string | undefined;
}

interface RefusedInput {
  /** Number of the line in its file, from 1. */
  readonly line: number;
  readonly reason: string;
}

export interface Imported {
  readonly lines: number;
  readonly stored: number;
  readonly refused: number;
  /** The first of them. */
  readonly refusals: readonly RefusedInput[];
}

const BATCH_LINES = 5000;
const BATCH_LENGTH = 4 * 1024 * 1024;
const MAX_REFUSALS = 1000;
const MAX_REASON = 300;
const NO_TIME = "it has no timestamp at its end, and would be another point at each import";
const PER_SECOND = { ns: 1_000_000_000n, u: 1_000_000n, s: 1n } as const;

/** Writes the lines of files to the database, batch by batch, and remembers which times were written. */
export class Importer {
  /** Where points were written: their means are due again. */
  readonly touched = new TouchedTime();
  readonly #client: DatabaseClient;
  readonly #target: ImportTarget;
  #next = 1;

  constructor(client: DatabaseClient, target: ImportTarget) {
    this.#client = client;
    this.#target = target;
  }

  /** The first line of the file under way that is not known to be stored. */
  get nextLine(): number {
    return this.#next;
  }

  /** @throws {DatabaseError | UnreachableError} everything before `nextLine` is stored or refused then */
  async importLines(
    lines: AsyncIterable<NumberedLine>,
    { fromLine, onProgress }: { fromLine: number; onProgress: (lines: number) => void },
  ): Promise<Imported> {
    this.#next = fromLine;
    let count = 0;
    let refused = 0;
    const refusals: RefusedInput[] = [];
    let batch: NumberedLine[] = [];
    let length = 0;
    let underWay: Promise<void> = Promise.resolve();
    const store = async (taken: readonly NumberedLine[]): Promise<void> => {
      const found = await this.#store(taken);
      refused += found.length;
      refusals.push(...found.slice(0, MAX_REFUSALS - refusals.length));
      this.#remember(taken);
      this.#next = (taken.at(-1)?.number ?? this.#next) + 1;
      onProgress(count);
    };
    // One batch is read while the one before it is written.
    const flush = async (): Promise<void> => {
      const taken = batch;
      batch = [];
      length = 0;
      await underWay;
      underWay = taken.length === 0 ? Promise.resolve() : store(taken);
      underWay.catch(() => {});
    };
    for await (const numbered of lines) {
      if (numbered.number < fromLine) continue;
      count++;
      batch.push(numbered);
      length += numbered.line.length;
      if (batch.length >= BATCH_LINES || length >= BATCH_LENGTH) await flush();
    }
    await flush();
    await underWay;
    return { lines: count, stored: count - refused, refused, refusals };
  }

  /** Resolves with those refused, in the order of the file. */
  async #store(taken: readonly NumberedLine[]): Promise<RefusedInput[]> {
    const timed = taken.filter(({ line }) => timeOfLine(line) !== undefined);
    const untimed = timed.length === taken.length ? [] : taken.filter(({ line }) => timeOfLine(line) === undefined);
    const found = await this.#write(timed.map(({ line }) => line));
    return [
      ...found.map(({ index, reason }) => ({ line: timed[index]?.number ?? 0, reason: reason.slice(0, MAX_REASON) })),
      ...untimed.map(({ number }) => ({ line: number, reason: NO_TIME })),
    ].sort((a, b) => a.line - b.line);
  }

  async #write(lines: readonly string[]): ReturnType<typeof writeLines> {
    try {
      return await writeLines(this.#client, lines, this.#target);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== "no-database") throw error;
      await this.#client.query(`CREATE DATABASE ${identifier(DATABASE)}`);
      return writeLines(this.#client, lines, this.#target);
    }
  }

  #remember(taken: readonly NumberedLine[]): void {
    for (const { line } of taken) {
      const time = timeOfLine(line);
      if (time === undefined) continue;
      this.touched.add(measurementNameOf(line), Number(time / PER_SECOND[this.#target.precision]));
    }
  }
}
