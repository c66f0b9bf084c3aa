import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measureShapes } from "../../src/activations/shapes.ts";
import { findGroups } from "../../src/channels/groups.ts";
import { traceChannels } from "../../src/channels/trace.ts";
import { allocate, type Candidate } from "../../src/choose/allocate.ts";
import { costModel, type CostModel } from "../../src/choose/costs.ts";
import { ALIGNMENTS, keptCount } from "../../src/choose/kept-count.ts";
import { countParameters, estimateMacs, type ModelProto } from "@edgewatt/onnx";
import { prepareModel } from "../../src/prepare.ts";
import { buildDenseNet, buildInvertedResidual, buildSeparable, buildVgg, randomImages } from "../networks.ts";

/** A chain of layers, each of which reads what the one before writes; `weights` are its positions. */
function chain(positions: readonly number[]): CostModel {
  const total = (kept: readonly number[]) => {
    let [params, macs] = [0, 0];
    for (const [index, often] of positions.entries()) {
      const size = (kept[index] as number) * (kept[index + 1] ?? 10);
      params += size;
      macs += often * size;
    }
    return { params, macs };
  };
  return {
    total,
    saved: (kept, group, count) => {
      const [before, after] = [total(kept), total(kept.with(group, count))];
      return { params: before.params - after.params, macs: before.macs - after.macs };
    },
  };
}

function candidate(channels: number, fraction: number, align: 1 | 8 | 16, weight: number): Candidate {
  return {
    channels,
    uniform: keptCount(channels, fraction, align),
    losses: Array.from({ length: channels }, (_, gone) => weight * (gone / channels) ** 2),
  };
}

describe("fractions that are shared out", () => {
  it("take more from what loses less, at no higher cost", () => {
    const candidates = [candidate(64, 0.3, 1, 1), candidate(64, 0.3, 1, 0.01)];
    const costs = chain([4, 4]);
    const kept = allocate(candidates, costs, 1);
    expect(kept[0]).toBeGreaterThan(44);
    expect(kept[1]).toBeLessThan(44);
    expect(costs.total(kept).params).toBeLessThanOrEqual(costs.total([44, 44]).params);
  });

  it("leave a group as it would be otherwise where nothing is known of its losses", () => {
    const blind = { channels: 32, uniform: 22, losses: [] };
    expect(allocate([candidate(64, 0.3, 1, 1), blind], chain([1, 1]), 1)[1]).toBe(22);
  });

  it("keep multiples, stay within both budgets, and leave no room for another step", () => {
    const groups = fc.array(
      fc.record({
        channels: fc.integer({ min: 1, max: 96 }),
        weight: fc.double({ min: 0.001, max: 10, noNaN: true }),
        positions: fc.integer({ min: 1, max: 256 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(
        groups,
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.constantFrom(...ALIGNMENTS),
        (list, fraction, align) => {
          const candidates = list.map(({ channels, weight }) => candidate(channels, fraction, align, weight));
          const costs = chain(list.map(({ positions }) => positions));
          const kept = allocate(candidates, costs, align);
          const budget = costs.total(candidates.map(({ uniform }) => uniform));
          const total = costs.total(kept);
          expect(total.params).toBeLessThanOrEqual(budget.params);
          expect(total.macs).toBeLessThanOrEqual(budget.macs);
          for (const [index, { channels }] of candidates.entries()) {
            const count = kept[index] as number;
            expect(count).toBeGreaterThanOrEqual(Math.min(channels, align));
            expect(count === channels || count % align === 0).toBe(true);
            if (count === channels) continue;
            const more = costs.total(kept.with(index, Math.min(channels, align * (Math.floor(count / align) + 1))));
            expect(more.params > budget.params || more.macs > budget.macs).toBe(true);
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("what a model costs by the channels that stay", () => {
  const images = randomImages(2);
  it.each<[string, () => ModelProto]>([
    ["inverted residuals", buildInvertedResidual],
    ["a DenseNet", buildDenseNet],
    ["a VGG with Flatten", buildVgg],
    ["depthwise-separable blocks", buildSeparable],
  ])("is what is counted in the graph: %s", async (_name, build) => {
    const graph = prepareModel(build(), "the model");
    const flow = traceChannels(graph, await measureShapes(graph, images, "the model"));
    const groups = findGroups(flow).filter(({ fixed }) => fixed === undefined);
    const costs = costModel(flow, groups);
    const all = groups.map(({ members }) => members.length);
    let macs = 0;
    for await (const { feeds } of images.batches({ batchSize: 1, count: 1 }))
      for (const cost of (await estimateMacs(graph, feeds)).values()) macs += cost.macs;
    expect(costs.total(all)).toEqual({ params: countParameters(graph.model), macs });
    const fewer = all.with(0, 3);
    const [before, after] = [costs.total(all), costs.total(fewer)];
    expect(costs.saved(all, 0, 3)).toEqual({ params: before.params - after.params, macs: before.macs - after.macs });
  });
});
