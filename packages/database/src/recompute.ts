import type { Measurement } from "@edgewatt/protocol";
import type { DatabaseClient } from "./client.ts";
import { LEVELS, recomputation } from "./downsampling.ts";
import { DatabaseError } from "./errors.ts";

/** A stretch of time in seconds since the epoch; `toS` is not included. */
export interface Stretch {
  readonly fromS: number;
  readonly toS: number;
}

/** One statement covers this much, so that none of them runs for long. */
const STATEMENT_S = 3_600;

/** The stretch in whole minutes, the longest interval of a mean. */
export function wholeMinutes({ fromS, toS }: Stretch): Stretch {
  return { fromS: Math.floor(fromS / 60) * 60, toS: Math.ceil(toS / 60) * 60 };
}

/**
 * Computes the means of a measurement again wherever the stretch touches; resolves with how many values were written.
 * @throws {DatabaseError | UnreachableError}
 */
export async function recompute(
  client: DatabaseClient,
  { rawPolicy, measurement, stretch }: { rawPolicy: string; measurement: Measurement; stretch: Stretch },
  onProgress: (doneS: number) => void = () => {},
): Promise<number> {
  const { fromS, toS } = wholeMinutes(stretch);
  let written = 0;
  for (let at = fromS; at < toS; at += STATEMENT_S) {
    const part = { fromS: at, toS: Math.min(at + STATEMENT_S, toS) };
    for (const level of LEVELS) {
      written += await run(client, recomputation(rawPolicy, measurement, level, part));
    }
    onProgress(part.toS - fromS);
  }
  return written;
}

async function run(client: DatabaseClient, statement: string): Promise<number> {
  try {
    const [[result] = []] = await client.query(statement);
    return Number(result?.values?.[0]?.[1] ?? 0);
  } catch (error) {
    // What a level does not keep that long is dropped, and the rest is written.
    if (error instanceof DatabaseError && error.message.includes("points beyond retention policy")) return 0;
    throw error;
  }
}
