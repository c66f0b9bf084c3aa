import { counted } from "@edgewatt/protocol";
import { expectedSeconds, inMinutes, methodWindows } from "../demo/expected-time.ts";
import type { StudyPlan } from "./plan.ts";

/** Of a model of three million parameters on two x86-64 cores, rounded up: a start, and what each image adds. */
const PRUNE_S = 10;
const PRUNE_IMAGE_S = 0.03;

interface StudyScale {
  readonly images: number;
  readonly quick?: true;
  readonly windows?: number;
  readonly windowS?: number;
  readonly budget?: number;
  /** Test images on which accuracy will be measured. */
  readonly accuracyImages: number;
}

/** What a study will do and how long it may take, for people who decide whether to wait. */
export function expectation(plan: StudyPlan, scale: StudyScale, devices: number): string {
  const { variants, unpruned, precisions } = plan;
  const models = variants.length + (unpruned ? 1 : 0);
  const quick = scale.quick === true;
  const { windows, windowS } = methodWindows(quick);
  const pruneS = variants.length * (PRUNE_S + scale.images * PRUNE_IMAGE_S);
  const measureS = expectedSeconds({
    quick,
    models,
    precisions: precisions.length,
    windows: scale.windows ?? windows,
    windowS: scale.windowS ?? windowS,
    accuracyImages: scale.accuracyImages,
  });
  const rows = `${counted(models * precisions.length, "row")} (${counted(models, "model")}, ${precisions.join(" and ")})`;
  const longer = quick
    ? ""
    : `, longer where figures spread${scale.budget === undefined ? "" : ` (at most ${inMinutes(scale.budget * 60)})`}`;
  const pruning =
    variants.length === 0
      ? ""
      : `Pruning ${counted(variants.length, "model")} takes about ${inMinutes(pruneS)}, unless the device has pruned them before; `;
  const measuring = `measuring ${rows}${devices > 1 ? ` on each of ${devices} devices` : ""} about ${inMinutes(measureS)}${longer}`;
  return `${capital(pruning + measuring)}. Ctrl-C ends it and cancels what was started.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
