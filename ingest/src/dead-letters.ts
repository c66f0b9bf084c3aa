import type { Clock } from "@edgewatt/runtime";
import { formatFileText } from "@edgewatt/database";
import { DayFile } from "./sinks/day-file.ts";
import type { Refusal } from "./sinks/sink.ts";

/** Lines that the database refuses, kept as line protocol below a comment that says why. */
export class DeadLetters {
  #file: DayFile;

  constructor(dir: string, clock: Clock) {
    this.#file = new DayFile(dir, clock);
  }

  /** Resolves when they are on the disk. @throws {SinkError} code `file` */
  async append(refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    await this.#file.append(
      refusals.map(({ reason, lines }) => `# ${reason.replaceAll(/\s+/g, " ")}\n${formatFileText(lines)}`).join(""),
    );
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
