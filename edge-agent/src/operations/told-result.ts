import { type Artifact, MAX_MESSAGE_BYTES } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import type { Workbench } from "./workbench.ts";

/** For what a state says beside its result. */
const STATE_BYTES = 8 * 1024;

/**
 * A result as the state of its job tells it: whole where a message can hold it, else what `summarize` leaves of it, with the whole one named
 * as the file `full`, at the hub where there is one and on this device otherwise.
 */
export async function toldResult<R extends Record<string, unknown>>(
  whole: R,
  options: { name: string; summarize: (whole: R) => R; upload: string | undefined },
  bench: Pick<Workbench, "store">,
  { signal }: Pick<JobContext, "signal">,
): Promise<R & { full?: Artifact & { kind: "result" } }> {
  const text = JSON.stringify(whole);
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES - STATE_BYTES) return whole;
  const { name, summarize, upload } = options;
  const full = await bench.store.keep(text, { name, kind: "result" }, { upload, signal });
  return { ...summarize(whole), full };
}
