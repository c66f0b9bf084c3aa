import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Command, JobState } from "@edgewatt/protocol";
import { dataDir, writeFileAtomic, type Logger } from "@edgewatt/runtime";

/** A job as it is on disk: what was asked and where it stands. */
export interface JobRecord {
  /** Order of arrival on this device. */
  readonly order: number;
  readonly command: Command;
  readonly state: JobState;
}

const SUFFIX = ".json";

/** One file per job, replaced as a whole and synced to disk, so that a crash at any moment leaves the old or the new. */
export class JobJournal {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Opens the folder and returns what is in it, in order of arrival; a file that cannot be read is logged and left. */
  static async open(dir: string, log: Logger): Promise<{ journal: JobJournal; records: JobRecord[] }> {
    await dataDir(dir);
    const records: JobRecord[] = [];
    for (const name of await readdir(dir)) {
      if (!name.endsWith(SUFFIX)) continue;
      try {
        records.push(JSON.parse(await readFile(path.join(dir, name), "utf8")) as JobRecord);
      } catch (error) {
        log.error({ file: name, reason: String(error) }, "a journaled job cannot be read; it is ignored");
      }
    }
    records.sort((a, b) => a.order - b.order);
    return { journal: new JobJournal(dir), records };
  }

  /** Resolves when the record is on disk. */
  async write(record: JobRecord): Promise<void> {
    await writeFileAtomic(path.join(this.#dir, `${record.command.job}${SUFFIX}`), JSON.stringify(record));
  }
}
