import { appendFile, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { decodeMessage, JOB_ID, type Command, type JobState } from "@edgewatt/protocol";
import { syncFolder, writeFileAtomic, type Logger } from "@edgewatt/runtime";
import { z } from "zod";
import { agentFolder, unlessDiskState } from "../device/agent-folder.ts";

/** A job as it is on disk: what was asked and where it stands. */
export interface JobRecord {
  /** Order of arrival on this device. */
  readonly order: number;
  readonly command: Command;
  readonly state: JobState;
}

export interface OpenedJournal {
  readonly journal: JobJournal;
  /** In order of arrival. */
  readonly records: JobRecord[];
  /** Jobs whose file cannot be read: they are known to have been here, and nothing else is known of them. */
  readonly damaged: ReadonlySet<string>;
}

const SUFFIX = ".json";
const FORGOTTEN = "forgotten.txt";
/** About half a megabyte of ids. */
const MAX_FORGOTTEN = 20_000;

const recordSchema = z.object({ order: z.number().int().nonnegative(), command: z.unknown(), state: z.unknown() });

/**
 * One file per job, replaced as a whole and synced to disk with its folder, so that a crash at any moment leaves the old or the new. Of
 * jobs that were forgotten the id stays, so that a command that comes again does not run again.
 */
export class JobJournal {
  readonly #dir: string;
  readonly #forgotten: Set<string>;

  private constructor(dir: string, forgotten: Set<string>) {
    this.#dir = dir;
    this.#forgotten = forgotten;
  }

  /** Opens the folder and reads what is in it; a file that cannot be read is set aside under another name. */
  static async open(dir: string, log: Logger): Promise<OpenedJournal> {
    await agentFolder(dir);
    const forgotten = await openForgotten(path.join(dir, FORGOTTEN));
    const journal = new JobJournal(dir, forgotten);
    const records: JobRecord[] = [];
    const damaged = new Set<string>();
    for (const name of await readdir(dir)) {
      const file = path.join(dir, name);
      const job = name.slice(0, -SUFFIX.length);
      // A crash in the middle of a replacement leaves the new file under a name of its own.
      if (isLeftover(name)) await rm(file, { force: true }).catch(unlessDiskState);
      if (!name.endsWith(SUFFIX) || !JOB_ID.test(job)) continue;
      // A crash came between forgetting it and deleting its file.
      if (forgotten.has(job)) {
        await rm(file, { force: true }).catch(unlessDiskState);
        continue;
      }
      try {
        records.push(readRecord(await readFile(file, "utf8"), job));
      } catch (error) {
        damaged.add(job);
        await rename(file, `${file}.damaged`).catch(() => {});
        log.error(
          { file, reason: String(error) },
          "a journaled job cannot be read and is given up; check the disk of this device",
        );
      }
    }
    records.sort((a, b) => a.order - b.order);
    return { journal, records, damaged };
  }

  /** Resolves when the record is on disk. @throws {FileError} */
  async write(record: JobRecord): Promise<void> {
    const job = record.command.job;
    await writeFileAtomic(path.join(this.#dir, `${job}${SUFFIX}`), JSON.stringify(record));
    await syncFolder(this.#dir);
  }

  isForgotten(job: string): boolean {
    return this.#forgotten.has(job);
  }

  /** Drops a job's record and keeps its id. */
  async forget(job: string): Promise<void> {
    const file = await open(path.join(this.#dir, FORGOTTEN), "a");
    try {
      await appendFile(file, `${job}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#forgotten.add(job);
    await rm(path.join(this.#dir, `${job}${SUFFIX}`), { force: true });
  }
}

/** @throws when it is none, or one of another job or version */
function readRecord(text: string, job: string): JobRecord {
  const { order, command, state } = recordSchema.parse(JSON.parse(text));
  const record: JobRecord = {
    order,
    command: decodeMessage("command", Buffer.from(JSON.stringify(command))),
    state: decodeMessage("jobState", Buffer.from(JSON.stringify(state))),
  };
  if (record.command.job !== job || record.state.job !== job) throw new RangeError(`it is of job ${record.state.job}`);
  return record;
}

/** As `write-file-atomic` names what it has not yet renamed: a number behind the name. */
function isLeftover(name: string): boolean {
  return /\.(json|txt)\.\d+$/.test(name);
}

async function openForgotten(file: string): Promise<Set<string>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Set();
    throw error;
  }
  const lines = text.split("\n");
  const ids = lines.filter((line) => JOB_ID.test(line)).slice(-MAX_FORGOTTEN);
  // Also mends a last line that a crash cut: the next id would be appended to it.
  if (ids.length !== lines.length - 1 || lines.at(-1) !== "") {
    await writeFileAtomic(file, ids.map((id) => `${id}\n`).join(""));
  }
  return new Set(ids);
}
