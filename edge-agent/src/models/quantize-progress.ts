import type { QuantizeProgress } from "@edgewatt/quantizer";
import type { ModelProgress } from "./progress.ts";

/** Shares at which the steps begin. Only a search takes long in `improve`, and how long nobody knows before. */
const FROM = { calibrate: 0, improve: 0.4, quantize: 0.75, verify: 0.8 } as const;
const TO = { calibrate: FROM.improve, improve: FROM.quantize, quantize: FROM.verify, verify: 1 } as const;

/** What the quantizer says of a step, as part of the whole; `undefined` for what is over at once. */
export function quantizeProgress(
  { step, done, total }: QuantizeProgress,
  { searching }: { searching: boolean },
): ModelProgress | undefined {
  if (step === "prepare") return undefined;
  if (step === "improve" && searching) return { type: "progress", step, share: FROM.improve, note: `try ${total}` };
  const share = FROM[step] + (done / Math.max(1, total)) * (TO[step] - FROM[step]);
  return { type: "progress", step, share, note: "" };
}
