import type { PruneProgress } from "@edgewatt/pruner";
import type { ModelProgress } from "./progress.ts";

/** The steps under the names that jobs have for them: `measure` means watts there. The images are measured on, so that is `calibrate`. */
const STEPS = { measure: "calibrate", choose: "choose", repair: "repair", check: "verify" } as const;
/** Shares of the time of a MobileNetV1 with 1,000 images: measured, the layers take most. */
const FROM = { measure: 0, choose: 0.25, repair: 0.4, check: 0.98 } as const;
const TO = { measure: FROM.choose, choose: FROM.repair, repair: FROM.check, check: 1 } as const;

/** What the pruner says of a step, as part of the whole; `undefined` for what is over at once. */
export function pruneProgress({ step, done, total }: PruneProgress): ModelProgress | undefined {
  if (step === "prepare") return undefined;
  const share = FROM[step] + (done / Math.max(1, total)) * (TO[step] - FROM[step]);
  return { type: "progress", step: STEPS[step], share, note: "" };
}
