import { systemErrorCode } from "@edgewatt/runtime";
import { SinkError } from "../errors.ts";
import type { LineBuffer } from "../line-buffer.ts";
import { measurementOfLine, type Line } from "@edgewatt/database";
import { judge, type Verdict } from "./influx-answer.ts";
import { InfluxRequests, type InfluxOptions } from "./influx-requests.ts";
import type { Refusal, Sink } from "./sink.ts";

/** The database's fixed name. */
const DATABASE = "edgewatt";

const WRITE = { database: DATABASE, precision: "u" } as const;

/** Answers that leave all lines of a write for later: what a person can do about each. */
const ADVICE = {
  "no-database": `create the database "${DATABASE}" (2.x: a DBRP mapping of that name) and grant its user WRITE`,
  unauthorized: "give its user WRITE on the database, and check the password",
  unavailable: "it will be tried again",
  "wrong-server": "check that the address is that of an InfluxDB; it will be tried again",
} as const;

/** InfluxDB through its v1 write API, so 1.x, 2.x with a DBRP mapping, and 3.x. */
export class InfluxSink implements Sink {
  #requests: InfluxRequests;
  #address: string;
  #timeoutMs: number;

  constructor(options: InfluxOptions) {
    this.#requests = new InfluxRequests(options);
    this.#address = new URL(options.url).origin;
    this.#timeoutMs = options.timeoutMs;
  }

  async write(lines: LineBuffer): Promise<readonly Refusal[]> {
    let verdict = await this.#post(lines.text);
    if (verdict.kind === "no-database" && verdict.creatable) {
      await this.#createDatabase();
      verdict = await this.#post(lines.text);
    }
    return verdict.kind === "stored" ? [] : this.#settle(lines.lines(), verdict);
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  /**
   * Finds exactly the lines at fault: the others of a refused write are stored, or will be by writing them again, which
   * changes nothing. Lines of one measurement share most faults, so they are told apart first, then halved.
   */
  async #settle(lines: readonly Line[], verdict: Verdict): Promise<readonly Refusal[]> {
    if (verdict.kind === "stored") return [];
    if (verdict.kind !== "refused" && verdict.kind !== "too-large") throw this.#notStored(verdict.kind, verdict.reason);
    const all = verdict.kind === "refused" && verdict.dropped === lines.length;
    if (lines.length === 1 || all) return [{ reason: verdict.reason, lines }];
    const refusals: Refusal[] = [];
    for (const part of split(lines)) refusals.push(...(await this.#settle(part, await this.#post(part.join("\n")))));
    return refusals;
  }

  async #post(lines: string): Promise<Verdict> {
    // The client writes a point's measurement as it is, so one "point" carries lines that are already encoded.
    return judge(await this.#ask((client) => client.writePoints([{ measurement: lines }], WRITE)));
  }

  async #createDatabase(): Promise<void> {
    const answer = await this.#ask((client) => client.createDatabase(DATABASE));
    if (answer.status === 200) return;
    const verdict = judge(answer);
    const unavailable = verdict.kind === "unavailable" || verdict.kind === "wrong-server";
    throw this.#notStored(
      unavailable ? verdict.kind : "no-database",
      "reason" in verdict ? verdict.reason : `${answer.status}`,
    );
  }

  async #ask(...request: Parameters<InfluxRequests["ask"]>): ReturnType<InfluxRequests["ask"]> {
    try {
      return await this.#requests.ask(...request);
    } catch (error) {
      const late = error instanceof Error && error.name === "TimeoutError";
      const reason = late ? `no answer within ${this.#timeoutMs} ms` : systemErrorCode(error);
      throw this.#notStored("unavailable", reason, error);
    }
  }

  #notStored(code: keyof typeof ADVICE, reason: string, cause?: unknown): SinkError {
    return new SinkError(`InfluxDB at ${this.#address} has not stored a write (${reason}): ${ADVICE[code]}`, {
      code,
      retryable: true,
      context: { address: this.#address },
      cause,
    });
  }
}

/** Smaller parts of more than one line: one for each measurement, or two halves of the only one. */
function split(lines: readonly Line[]): (readonly Line[])[] {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const name = measurementOfLine(line);
    const group = groups.get(name);
    if (group) group.push(line);
    else groups.set(name, [line]);
  }
  if (groups.size > 1) return [...groups.values()];
  const middle = lines.length >> 1;
  return [lines.slice(0, middle), lines.slice(middle)];
}
