import type { ResultRow, Results } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { renderTable } from "../../src/index.ts";
import { resultsTable } from "../../src/results-table.ts";
import { whySlower } from "../../src/slower/why-slower.ts";
import { prunedStudy } from "../study/pruned-study.ts";
import { study } from "../study.ts";

/** The study with the rows of exact counts changed. */
function changed(change: (row: ResultRow) => Partial<ResultRow>): Results {
  const results = prunedStudy();
  for (const row of results.rows) if (row.model.endsWith("a1")) Object.assign(row, change(row));
  return results;
}

const texts = (results: Results) => whySlower(results).map(({ text }) => text);

/** The slower model takes so many times as long as the larger one. */
function withRatio(results: Results, value: number, half: number): Results {
  const comparisons = results.comparisons?.map((one) =>
    one.numerator.model.endsWith("a1") && one.denominator.model === "net"
      ? { ...one, latency: { value, low95: value - half, high95: value + half } }
      : { ...one, latency: null },
  );
  return { ...results, ...(comparisons === undefined ? {} : { comparisons }) };
}

describe("a smaller model that is slower than a larger one", () => {
  it("is explained by channel counts that miss the block, which are named with what to try", () => {
    const [float, int8, ...others] = texts(prunedStudy());
    expect(others).toEqual([]);
    expect(float).toBe(
      "Slower though smaller (fp32): net-20-a1 takes 1.60 [1.57, 1.63] times as long as net. Of net-20-a1, 2 of 9 Convs have channel counts " +
        "that are no multiple of 16: 38 (conv0) and 153 (conv1). ONNX Runtime's AVX-512 kernels take 16 channels at once: other counts are filled " +
        "up with zeros, and those that are no multiple of 4 leave the fast layout altogether. Try: prune in multiples of 16 (--align 16).",
    );
    expect(int8).toContain("take 16 channels at once, and other counts waste a part of them.");
  });

  it("is not spoken of where the interval of the ratio holds 1, or where it has more parameters", () => {
    expect(texts(withRatio(prunedStudy(), 1.2, 0.25))).toEqual([]);
    expect(
      texts(
        withRatio(
          changed(() => ({ params: 2_000_000 })),
          1.6,
          0.03,
        ),
      ),
    ).toEqual([]);
    expect(
      texts(
        withRatio(
          changed(() => ({ params: null })),
          1.6,
          0.03,
        ),
      ),
    ).toEqual([]);
    expect(texts(study())).toEqual([]);
  });

  const aligned = (flags: string[] = [], threads = 3) =>
    changed((row) => ({
      channels: { block: { channels: 16, kernels: "AVX-512" }, layers: 9, offLayers: 0, off: [] },
      flags,
      factors: { ...row.factors, threads },
    }));

  it("is never blamed on counts that all fit", () => {
    for (const results of [aligned(), aligned(["throttled: capped in a window"]), withRatio(aligned(), 1.02, 0.01)]) {
      for (const text of texts(results)) {
        expect(text).toContain("all multiples of 16, so these are not the reason");
        expect(text).not.toContain("--align");
      }
    }
  });

  it("is told the flags of its rows, else the quick run, the threads, or where to look", () => {
    expect(texts(aligned(["throttled: capped in a window", "estimate: modelled"]))[0]).toContain(
      "The rows carry the flag throttled: cure that and measure again.",
    );
    const quick = withRatio(aligned(), 1.02, 0.01);
    expect(texts({ ...quick, method: { ...quick.method, quick: true } })[0]).toContain("measure in full");
    expect(texts(aligned())[0]).toContain("Try --threads 1: with 3 threads");
    const single = { ...aligned([], 1) };
    const rows = single.rows.map((row) => ({ ...row, factors: { ...row.factors, threads: 1 } }));
    expect(texts({ ...single, rows })[0]).toContain("edgewatt sensitivity");
  });

  it("does not blame counts that the larger model has in the same layers", () => {
    const off = [{ layer: "conv0", channels: 38 }];
    const channels = { block: { channels: 16, kernels: "AVX2" }, layers: 9, offLayers: 1, off };
    const results = prunedStudy();
    const rows = results.rows.map((row) => ({ ...row, channels }));
    expect(texts({ ...results, rows })[0]).toContain("in the same layers as the larger model's");
  });

  it("does not blame a layer that the larger model's list, which is cut, does not reach", () => {
    const off = (...layers: readonly string[]) => layers.map((layer) => ({ layer, channels: 38 }));
    const channels = { block: { channels: 16, kernels: "AVX-512" }, layers: 40, offLayers: 30 };
    const reached = (...layers: readonly string[]) => {
      const results = changed(() => ({ channels: { ...channels, offLayers: 29, off: off(...layers) } }));
      const rows = results.rows.map((row) =>
        row.model === "net" ? { ...row, channels: { ...channels, off: off("conv0", "conv1", "conv2") } } : row,
      );
      return texts({ ...results, rows })[0];
    };
    expect(reached("conv0", "conv2", "conv3")).toContain("in the same layers as the larger model's");
    expect(reached("conv0", "other", "conv2")).toContain("Try: prune in multiples of 16");
  });

  it("says of arm64 what is known of its kernels: int8 wants multiples, float where it was built so", () => {
    const results = prunedStudy();
    for (const row of results.rows) if (row.channels) row.channels.block = { channels: 16, kernels: "NEON" };
    const [float, int8] = texts(results);
    expect(float).toContain(
      "Whether ONNX Runtime's NEON kernels for float want multiples of 16 channels depends on how it was built.",
    );
    expect(int8).toContain(
      "fast NEON kernels for int8 want multiples of 16 channels, some of 8, and other counts get slower ones.",
    );
    for (const text of [float, int8]) expect(text).not.toContain("at once");
  });

  it("has the usual reason where nobody knows the counts", () => {
    const results = prunedStudy();
    for (const row of results.rows) delete row.channels;
    expect(texts(results)[0]).toContain("The channel counts of these rows are not known");
  });

  it("is marked at its latency in every table", () => {
    const results = prunedStudy();
    const table = resultsTable(results);
    const latency = table.columns.findIndex(({ key }) => key === "latencyMs");
    const marked = table.rows.flatMap((cells, index) =>
      (cells[latency]?.notes ?? []).map((note) => [
        results.rows[index]?.model,
        table.footnotes[note - 1]?.slice(0, 29),
      ]),
    );
    expect(marked).toEqual([
      ["net-20-a1", "Slower though smaller (fp32):"],
      ["net-20-a1", "Slower though smaller (int8):"],
    ]);
    expect(renderTable(results)).toContain("Slower though smaller (fp32)");
  });
});
