import { LATE_AFTER_S } from "@edgewatt/database";
import type { Clock } from "@edgewatt/runtime";
import type { LineBuffer } from "../line-buffer.ts";
import type { Refusal, Sink } from "../sinks/sink.ts";
import { lateLines, mayHaveLateLines } from "./late-lines.ts";
import type { Recomputer } from "./recomputer.ts";

/** A sink that notices late points on their way into the database, so that they find their way into the means. */
export class LateDataSink implements Sink {
  readonly #sink: Sink;
  readonly #recomputer: Recomputer;
  readonly #clock: Clock;

  constructor(sink: Sink, recomputer: Recomputer, clock: Clock) {
    this.#sink = sink;
    this.#recomputer = recomputer;
    this.#clock = clock;
  }

  async write(lines: LineBuffer): Promise<readonly Refusal[]> {
    const beforeUs = this.#clock.nowUs() - LATE_AFTER_S * 1e6;
    const late = mayHaveLateLines(lines.bytes, beforeUs) ? lateLines(lines.lines(), beforeUs) : [];
    if (late.length === 0) return this.#sink.write(lines);
    await this.#recomputer.announce(late);
    const refusals = await this.#sink.write(lines);
    this.#recomputer.written(late);
    return refusals;
  }

  async close(): Promise<void> {
    await this.#recomputer.stop();
    await this.#sink.close();
  }
}
