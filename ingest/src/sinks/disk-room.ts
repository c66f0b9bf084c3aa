import type { DiskWatch } from "@edgewatt/runtime";
import { SinkError } from "../errors.ts";

/** Room on the disk of the data folder, as of a few seconds ago. */
export type DiskRoom = Pick<DiskWatch, "reason">;

/** @throws {SinkError} code `disk-low` while there is less than the reserve: the agents hold what would be written */
export function requireRoom({ reason }: DiskRoom): void {
  if (reason !== undefined) throw new SinkError(reason, { code: "disk-low", retryable: true });
}
