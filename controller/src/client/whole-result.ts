import type { Artifact } from "@edgewatt/protocol";
import type { z } from "zod";
import { readResultFile } from "./result-files.ts";

/**
 * A job's result, the whole of it: what the state of the job holds, or the file that it names where the result was too long for a message.
 * @throws {UnreachableError} code `result-unreachable` when that file cannot be read from here, `result-damaged` when it is another
 */
export async function wholeResult<R extends { full?: Artifact | undefined }>(
  schema: z.ZodType<R>,
  result: unknown,
  signal: AbortSignal,
): Promise<R> {
  const told = schema.parse(result);
  if (told.full === undefined) return told;
  return schema.parse(JSON.parse((await readResultFile(told.full, signal)).toString()));
}
