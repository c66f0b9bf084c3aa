import type { JobState } from "@edgewatt/protocol";

/** How far the making of a model out of another one is. */
export interface ModelProgress {
  readonly type: "progress";
  readonly step: Extract<JobState["step"], "calibrate" | "improve" | "quantize" | "choose" | "repair" | "verify">;
  /** Share of the whole work that is done, 0 to 1. */
  readonly share: number;
  /** What a share cannot tell, for people: `try 3`; empty where there is nothing. */
  readonly note: string;
}
