import fc from "fast-check";
import { it, vi } from "vitest";
import { buildNetwork, network, NETWORK_SIDE, type Network } from "../../onnx/test/random-network.ts";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { ALIGNMENTS, ALLOCATIONS, CRITERIA, PrunerError } from "../src/index.ts";
import { expectAsReported, expectLosslessWhereRedundant, expectUnchangedByZero } from "./promises.ts";

const folder = await useTempDir();
const inputs = [{ name: "x", shape: ["batch", 4, NETWORK_SIDE, NETWORK_SIDE] }];
const images = randomSource(inputs, 64);
/** More images than any layer has inputs, or some would seem redundant by chance. */
const manyImages = randomSource(inputs, 600);

// Many networks at a second each: a limit that only a hang reaches.
vi.setConfig({ testTimeout: 600_000 });

/** Whether a network has channels that may go; those that have none are refused, which is said so. */
async function unlessNothingToPrune(body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof PrunerError && error.code === "nothing-to-prune")) throw error;
  }
}

const run = (check: (chosen: Network) => Promise<unknown>, numRuns: number) =>
  fc.assert(
    fc.asyncProperty(network, (chosen) => unlessNothingToPrune(() => check(chosen))),
    { numRuns, seed: 20_260_101 },
  );

it("any small network pruned by 0 gives what it gave, to 1e-5", () =>
  run((chosen) => expectUnchangedByZero(folder, buildNetwork(chosen), images), 20));

it("any small network keeps what the report says, and its inputs and outputs", () =>
  fc.assert(
    fc.asyncProperty(
      network,
      fc.constantFrom(0.1, 0.3, 0.5, 0.8),
      fc.constantFrom(...ALIGNMENTS),
      fc.constantFrom(...CRITERIA),
      fc.constantFrom(...ALLOCATIONS),
      (chosen, fraction, align, by, allocate) =>
        unlessNothingToPrune(() =>
          expectAsReported(folder, () => buildNetwork(chosen), { fraction, align, by, allocate, calibration: images }),
        ),
    ),
    { numRuns: 30, seed: 20_260_101 },
  ));

it("any small network whose channels are redundant by half loses nothing without them, to 1e-4", () =>
  run((chosen) => expectLosslessWhereRedundant(folder, buildNetwork(chosen), manyImages, 1 / 3), 20));
