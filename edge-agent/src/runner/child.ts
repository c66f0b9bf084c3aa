import { EdgewattError } from "@edgewatt/protocol/errors";
import { JobError } from "../errors.ts";
import { monotonicUs } from "../process/monotonic.ts";
import { measureAccuracy } from "./accuracy.ts";
import { joinBatches } from "./batches.ts";
import { peakMemoryMb, proportionalMemoryMb, resetPeakMemory } from "./memory.ts";
import type { FromRunner, ToRunner } from "./messages.ts";
import { loadModel, ORT_VERSION, patternFeeds, toOrtFeeds, type Model, type OrtFeeds } from "./model.ts";
import { warmUp } from "./warm-up.ts";
import { measureWindow } from "./window.ts";

const PROGRESS_EVERY_US = 250_000;

let model: Model | undefined;
let feeds: readonly OrtFeeds[] = [];
let expectedMs = 1;
let progressUs = 0;

function tell(message: FromRunner): void {
  process.send?.(message);
}

function loaded(): Model {
  if (model === undefined) throw new JobError("the runner has no model: load one first", { code: "internal" });
  return model;
}

/** Runs the model on the inputs in turn, in the same order in every window. */
function runner(): (index: number) => Promise<unknown> {
  const current = loaded();
  if (feeds.length === 0) feeds = [patternFeeds(current)];
  const inputs = feeds;
  return (index) => current.run(inputs[index % inputs.length] ?? {});
}

async function handle(message: ToRunner): Promise<FromRunner> {
  switch (message.type) {
    case "load": {
      // Before the baseline is read: the inputs are the benchmark's, not the model's.
      feeds = joinBatches(message.feeds ?? [], message.batch).map(toOrtFeeds);
      resetPeakMemory();
      const baselineMb = peakMemoryMb();
      const startUs = monotonicUs();
      model = await loadModel(message);
      return { type: "loaded", onnxruntime: ORT_VERSION, baselineMb, loadMs: (monotonicUs() - startUs) / 1000 };
    }
    case "warmUp": {
      const warm = await warmUp(runner(), message, monotonicUs);
      expectedMs = warm.medianMs;
      return warm;
    }
    case "window":
      return measureWindow(runner(), message, {
        expectedMs,
        batch: loaded().batch,
        nowUs: monotonicUs,
        onStart: () => tell({ type: "windowStarts" }),
      });
    case "memory":
      return { type: "memory", pssMb: proportionalMemoryMb() };
    case "accuracy":
      return measureAccuracy(loaded(), message, (share) => {
        if (monotonicUs() - progressUs < PROGRESS_EVERY_US) return;
        progressUs = monotonicUs();
        tell({ type: "progress", share });
      });
  }
}

process.on("message", (message: ToRunner) => {
  handle(message).then(tell, (error: unknown) => {
    const message_ = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    const code = error instanceof EdgewattError ? error.code : "runner-failed";
    tell({ type: "failed", code, message: message_ });
  });
});
// The parent is gone: nobody waits for the result.
process.on("disconnect", () => process.exit());
