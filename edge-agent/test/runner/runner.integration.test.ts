import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { measureFirstSessionMb } from "../../src/runner/first-session.ts";
import type { Feeds } from "../../src/runner/messages.ts";
import { Runner } from "../../src/runner/runner.ts";

const MODEL = fileURLToPath(new URL("../../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));
const SESSION = { threads: 1, spinning: false, graphOptimization: "all" } as const;
const WINDOW = { windowS: 0.1, minRuns: 10, leadInRuns: 1 };

function options() {
  return { cores: undefined, signal: new AbortController().signal };
}

async function memoryOf(feeds: readonly Feeds[]): Promise<{ baselineMb: number; modelMb: number }> {
  const { runner, loaded } = await Runner.load({ ...SESSION, modelPath: MODEL, batch: 1, feeds }, options());
  await using running = runner;
  await running.warmUp({ minRuns: 10, minS: 0, capS: 10, steadyS: null });
  const { peakMb } = await running.window(WINDOW, () => {});
  return { baselineMb: loaded.baselineMb, modelMb: peakMb - loaded.baselineMb };
}

it("counts the inputs of the windows with what was there before the model", async () => {
  const image = () => ({ type: "float32", dims: [1, 3, 32, 32], data: new Float32Array(3 * 32 * 32).fill(0.5) });
  // 4,000 images are 49 MB.
  const few = await memoryOf([{ input: image() }]);
  const many = await memoryOf(Array.from({ length: 4000 }, () => ({ input: image() })));
  expect(many.baselineMb - few.baselineMb).toBeGreaterThan(45);
  expect(many.modelMb).toBeLessThan(few.modelMb + 15);
});

it("tells what a first session takes apart from what a model takes", async () => {
  const sessionMb = await measureFirstSessionMb(SESSION, options());
  const { modelMb } = await memoryOf([]);
  expect(sessionMb).toBeGreaterThan(1);
  expect(sessionMb).toBeLessThan(modelMb);
});
