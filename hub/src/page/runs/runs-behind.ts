import type { Run } from "@edgewatt/protocol";
import type { DeviceJob } from "../fleet/fleet.ts";

/** How many of the newest runs the page shows. */
export const RUNS_SHOWN = 20;

/**
 * Whether the page has heard of a state that the hub has not recorded yet.
 * @param recorded the hub's answer: its newest runs, newest first
 * @param heard the newest state of each job, by `device/job`
 */
export function isBehind(
  recorded: readonly Run[],
  heard: ReadonlyMap<string, Pick<DeviceJob, "job" | "state">>,
): boolean {
  const states = new Map(recorded.map(({ device, job, state }) => [`${device}/${job}`, state?.state]));
  // Ids sort by time: what is older than so many runs is missing among them for good, and would not be shown.
  const oldest = recorded.length < RUNS_SHOWN ? "" : (recorded.at(-1)?.job ?? "");
  return [...heard].some(([key, { job, state }]) => states.get(key) !== state && (states.has(key) || job > oldest));
}
