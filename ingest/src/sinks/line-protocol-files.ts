import type { Clock } from "@edgewatt/runtime";
import type { LineBuffer } from "../line-buffer.ts";
import { formatFileText } from "@edgewatt/database";
import { DayFile } from "./day-file.ts";
import type { Refusal, Sink } from "./sink.ts";

/** Telemetry where there is no database: line protocol with timestamps in ns, one file per UTC day. */
export class LineProtocolFiles implements Sink {
  #file: DayFile;

  constructor(dir: string, clock: Clock) {
    this.#file = new DayFile(dir, "lp", clock);
  }

  async write(lines: LineBuffer): Promise<readonly Refusal[]> {
    await this.#file.append(formatFileText(lines.lines()));
    return [];
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
