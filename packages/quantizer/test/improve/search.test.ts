import type { DataSource, Graph } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { calibrate } from "../../src/calibration/calibrate.ts";
import { applyTechniques, type FindRanges } from "../../src/improve/apply-techniques.ts";
import { buildInt8 } from "../../src/improve/build-int8.ts";
import { searchQuantization, type SearchOptions, type SearchTry } from "../../src/improve/search.ts";
import { images, PER_TENSOR, separableNetwork, sqnrOf, unbalance } from "./networks.ts";

const findRanges: FindRanges = async (graph, method, signal) =>
  (await calibrate(graph, images, { method, ...(signal === undefined ? {} : { signal }) })).ranges;

function search(graph: Graph, options: Partial<SearchOptions>): ReturnType<typeof searchQuantization> {
  return searchQuantization(graph, { emit: PER_TENSOR, source: images, findRanges, target: {}, ...options });
}

/** The images with the float model's own answer as label, so that int8 loses accuracy where it answers otherwise. */
function labelled(answers: Uint8Array): DataSource {
  return {
    ...images,
    async *batches(request) {
      let at = request.first ?? 0;
      for await (const batch of images.batches(request)) {
        yield { ...batch, labels: answers.slice(at, at + batch.count) };
        at += batch.count;
      }
    },
  };
}

describe("searchQuantization", () => {
  it("stops at the first configuration that reaches the target", async () => {
    const graph = separableNetwork();
    const { reached, tries, best, evaluation } = await search(graph, { target: { sqnrDb: 20 } });
    expect(reached).toBe(true);
    expect(tries).toEqual([best]);
    expect(best.configuration).toEqual({ method: "minmax", techniques: [], floatNodes: [] });
    expect(evaluation).toEqual({ first: 16, count: 16, heldBack: true, labelled: false });
  });

  it("goes on to equalization where channels are badly scaled, and returns what it measured", async () => {
    const graph = unbalance(separableNetwork(), 3);
    const seen: SearchTry[] = [];
    const { reached, tries, best, candidate } = await search(graph, {
      target: { sqnrDb: 28 },
      onTry: (tried) => seen.push(tried),
    });
    expect(reached).toBe(true);
    expect(best.configuration.techniques).toEqual(["equalization"]);
    expect(tries.map(({ sufficient }) => sufficient)).toEqual([false, false, true]);
    expect(seen).toEqual(tries);
    expect(await sqnrOf(graph, candidate, PER_TENSOR)).toBeCloseTo(best.score.sqnrDb, 6);
  });

  it("tries everything for a target that nothing reaches, says so, and returns the best", async () => {
    const graph = unbalance(separableNetwork(), 2);
    const { reached, tries, best, candidate } = await search(graph, { target: { sqnrDb: 500 } });
    expect(reached).toBe(false);
    expect(tries.map(({ configuration }) => configuration.floatNodes.length)).toEqual([
      ...tries.slice(0, -2).map(() => 0),
      1,
      2,
    ]);
    expect(tries.some(({ configuration }) => configuration.techniques.includes("rounding"))).toBe(true);
    expect(best.score.sqnrDb).toBe(Math.max(...tries.map(({ score }) => score.sqnrDb)));
    const { plan } = buildInt8(candidate, PER_TENSOR);
    expect(plan.weights.size).toBe(4 - best.configuration.floatNodes.length);
  });

  it("tunes anew for each set of layers in float", async () => {
    const graph = unbalance(separableNetwork(), 2);
    const { best, tries, candidate } = await search(graph, { target: { sqnrDb: 500 } });
    const { method, techniques } = best.configuration;
    expect(techniques).toContain("bias-correction");
    expect(best.configuration.floatNodes).toHaveLength(2);
    const keepFloat = new Set(best.configuration.floatNodes);
    const fresh = await applyTechniques(graph, method, techniques, {
      emit: PER_TENSOR,
      source: images,
      findRanges,
      keepFloat,
    });
    expect(await sqnrOf(graph, fresh, PER_TENSOR)).toBeCloseTo(best.score.sqnrDb, 6);
    expect(await sqnrOf(graph, candidate, PER_TENSOR)).toBeCloseTo(best.score.sqnrDb, 6);
    // What was tuned with all layers in int8 is worse with these in float.
    const tunedForAll = await applyTechniques(graph, method, techniques, {
      emit: PER_TENSOR,
      source: images,
      findRanges,
    });
    const stale = { ...tunedForAll, floatNodes: keepFloat };
    expect(best.score.sqnrDb).toBeGreaterThan(await sqnrOf(graph, stale, PER_TENSOR));
    expect(tries.at(-1)).toBe(best);
  });

  it("leaves the nodes in float that the caller keeps there, in every try", async () => {
    const graph = separableNetwork();
    const kept = graph.nodes.find(({ opType }) => opType === "Conv")?.name ?? "";
    const { tries, candidate } = await search(graph, { target: { sqnrDb: 500 }, keepFloat: new Set([kept]) });
    expect(candidate.floatNodes?.has(kept)).toBe(true);
    expect(tries.flatMap(({ configuration }) => configuration.floatNodes)).not.toContain(kept);
    const all = await search(graph, { target: { sqnrDb: 0 } });
    expect(tries[0]?.score.sqnrDb).not.toBe(all.best.score.sqnrDb);
  });

  it("takes lost accuracy from labels, and without them the images with another answer", async () => {
    const graph = separableNetwork();
    const answers = new Uint8Array(32).fill(255);
    const right = await search(graph, { source: labelled(answers), target: { accuracyDropPt: 0 } });
    expect(right.evaluation.labelled).toBe(true);
    expect(right.best.score).toMatchObject({ accuracy: 0, floatAccuracy: 0 });
    expect(right.best.accuracyDropPt).toBe(0);
    expect(right.reached).toBe(true);
    const unlabelled = await search(graph, { target: { accuracyDropPt: 100 } });
    expect(unlabelled.best.accuracyDropPt).toBe(100 * (1 - (unlabelled.best.score.agreement ?? 0)));
  });

  it("needs a target, and ends when it is told to", async () => {
    const graph = separableNetwork();
    await expect(search(graph, {})).rejects.toMatchObject({
      name: "QuantizerError",
      code: "search-without-target",
    });
    const stop = new AbortController();
    const tries: SearchTry[] = [];
    await expect(
      search(graph, {
        target: { sqnrDb: 500 },
        signal: stop.signal,
        onTry: (tried) => {
          tries.push(tried);
          stop.abort();
        },
      }),
    ).rejects.toMatchObject({ name: "CanceledError" });
    expect(tries).toHaveLength(1);
  });
});
