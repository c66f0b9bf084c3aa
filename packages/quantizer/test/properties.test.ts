import { join } from "node:path";
import { describeModel, openSession, readModel, writeModel, type TensorValue } from "@edgewatt/onnx";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { calibrate } from "../src/calibration/calibrate.ts";
import { emitModel } from "../src/int8/emit.ts";
import { QUANTIZATION_FORMATS } from "../src/int8/format.ts";
import { openFused } from "../src/int8/fusion.ts";
import { makePlan } from "../src/int8/plan.ts";
import { prepareModel } from "../src/draft/prepare.ts";
import { buildNetwork, network, NETWORK_SIDE } from "../../onnx/test/random-network.ts";
import { withoutQuantization } from "./without-quantization.ts";

const folder = await useTempDir();
const source = randomSource([{ name: "x", shape: ["batch", 4, NETWORK_SIDE, NETWORK_SIDE] }], 4);

/** Of the largest value of the output. */
const LARGEST_FLOAT_ERROR = 1e-4;

// Some 60 networks at 0.1 to 0.4 s: a limit that only a hang reaches.
vi.setConfig({ testTimeout: 240_000 });

type Outputs = Readonly<Record<string, TensorValue>>;

async function firstBatch(): Promise<Outputs> {
  for await (const batch of source.batches({ batchSize: 4 })) return batch.feeds;
  return {};
}

function numbers(value: TensorValue | undefined): Float32Array {
  return value?.data as Float32Array;
}

/** The largest difference as a share of the largest value. */
function relativeError(expected: Outputs, found: Outputs): number {
  return Math.max(
    ...Object.entries(expected).map(([name, value]) => {
      const [a, b] = [numbers(value), numbers(found[name])];
      expect(found[name]?.dims).toEqual(value.dims);
      const largest = a.reduce((max, one) => Math.max(max, Math.abs(one)), Number.MIN_VALUE);
      return a.reduce((max, one, index) => Math.max(max, Math.abs(one - (b[index] as number))), 0) / largest;
    }),
  );
}

/** Signal-to-noise of all outputs together, each at the scale of its largest value. */
function decibels(expected: Outputs, found: Outputs): number {
  let [signal, noise] = [0, 0];
  for (const [name, value] of Object.entries(expected)) {
    const [a, b] = [numbers(value), numbers(found[name])];
    const largest = a.reduce((max, one) => Math.max(max, Math.abs(one)), Number.MIN_VALUE);
    for (const [index, one] of a.entries()) {
      signal += (one / largest) ** 2;
      noise += ((one - (b[index] as number)) / largest) ** 2;
    }
  }
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}

it("any small network loads, fuses as promised, keeps its inputs and outputs, and computes what the float model does", async () => {
  const [input, output] = [join(folder, "random.onnx"), join(folder, "random-int8.onnx")];
  const feeds = await firstBatch();
  await fc.assert(
    fc.asyncProperty(
      network,
      fc.boolean(),
      fc.array(fc.nat(50), { maxLength: 2 }),
      async (chosen, perChannel, places) => {
        await writeModel(buildNetwork(chosen), input);
        await using float = await openSession(input);
        const expected = await float.run(feeds);
        const before = await describeModel(input);
        const graph = prepareModel(await readModel(input));
        const { ranges } = await calibrate(graph, source);
        const exclude = new Set(places.map((place) => graph.nodes[place % graph.nodes.length]?.name ?? ""));
        for (const format of QUANTIZATION_FORMATS) {
          const plan = makePlan(graph, ranges, format, { exclude });
          const emitted = emitModel(graph, plan, { format, perChannel, reducedRange: false });
          await writeModel(emitted.model, output);

          const after = await describeModel(output);
          expect({ inputs: after.inputs, outputs: after.outputs }).toEqual({
            inputs: before.inputs,
            outputs: before.outputs,
          });

          const { session, fusion } = await openFused(output, plan, format);
          await using int8 = session;
          expect(fusion).toEqual({ fused: plan.quantized.length, left: [] });
          expect(plan.float.filter((node) => node.op === "Conv" && !exclude.has(node.name))).toEqual([]);

          // The integer operators against the same model in simulated quantization, node by node as it is in the file.
          await using simulated = await openSession(output, { optimization: "disabled" });
          const [found, meant] = [await int8.run(feeds), await simulated.run(feeds)];
          expect(decibels(meant, found)).toBeGreaterThan(15);
          expect(decibels(expected, found)).toBeGreaterThan(3);

          await using unquantized = await openSession(withoutQuantization(emitted, graph, plan), {
            optimization: "disabled",
          });
          expect(relativeError(expected, await unquantized.run(feeds))).toBeLessThan(LARGEST_FLOAT_ERROR);
        }
      },
    ),
    { numRuns: 60, seed: 20_260_101 },
  );
});
