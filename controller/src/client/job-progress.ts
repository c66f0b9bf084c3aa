import type { JobState } from "@edgewatt/protocol";
import type { Progress } from "../progress.ts";
import type { JobRequest } from "./jobs.ts";

function describe(state: JobState): string {
  if (state.state === "accepted")
    return state.position === undefined || state.position === 0 ? "accepted" : `waits behind ${state.position}`;
  if (state.state !== "running") return state.state.replace("_", " ");
  const share = state.progress === undefined ? "" : ` ${Math.floor(state.progress * 100)} %`;
  return `${state.step ?? "running"}${share}${state.detail === undefined ? "" : ` ${state.detail}`}`;
}

/** Shows how far a job is on a terminal; warnings of the agent stay on the screen, and reach a pipe too. */
export function showing(progress: Progress, device: string): Required<Pick<JobRequest, "onState" | "onMessage">> {
  return {
    onState: (state) => progress.update(device, `${device}: ${describe(state)}`),
    onMessage: (level, text) => {
      if (level === "info") progress.update(device, `${device}: ${text}`);
      else progress.note(`${device}: ${level === "warn" ? "warning" : "error"}: ${text}`);
    },
  };
}
