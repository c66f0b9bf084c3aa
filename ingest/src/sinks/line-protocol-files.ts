import type { Clock } from "@edgewatt/runtime";
import type { Line } from "@edgewatt/database";
import { formatFileText } from "@edgewatt/database";
import { DayFile } from "./day-file.ts";
import type { Refusal, Sink } from "./sink.ts";

/** Telemetry where there is no database: line protocol with timestamps in ns, one file per UTC day. */
export class LineProtocolFiles implements Sink {
  #file: DayFile;

  constructor(dir: string, clock: Clock) {
    this.#file = new DayFile(dir, clock);
  }

  async write(lines: readonly Line[]): Promise<readonly Refusal[]> {
    await this.#file.append(formatFileText(lines));
    return [];
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
