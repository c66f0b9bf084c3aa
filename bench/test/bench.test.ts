import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runBenchmarks } from "../bench.ts";
import { startRunner } from "../measuring/latency-sides.ts";
import { agentsOnnxRuntime, findPythonPeer, findWheelLibrary } from "../peers/python.ts";
import { describePairs } from "../quantizer/accuracy.ts";
import { zooModels } from "../quantizer/material.ts";
import { describeSpread, runProgram, spreadOf } from "../processes.ts";
import { makeDocument, renderTable } from "../results.ts";
import { compare, unmeasured, type BenchResult } from "../suite.ts";
import { selectSuites, SUITES, type SuiteEntry } from "../suites.ts";

const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-test-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
const signal = new AbortController().signal;

/** A suite that really starts a process and measures it. */
const nodeSuite: SuiteEntry = {
  name: "sample/node",
  expectedMinutes: 0.1,
  open: async () => ({
    async *run(context) {
      const run = await runProgram({ name: "an empty program", interpreter: "node", args: ["-e", ""] }, context.signal);
      yield compare(
        { name: "sample/node/wall", value: run.wallS, unit: "s", peer: "a limit", peerValue: 3600 },
        { comparison: "<=", ratio: 1 },
      );
      yield compare(
        { name: "sample/node/memory", value: run.peakMemoryMb, unit: "MB", peer: null, peerValue: null, note: "none" },
        { comparison: "<=", ratio: 1 },
      );
    },
  }),
};

const brokenSuite: SuiteEntry = {
  name: "sample/broken",
  expectedMinutes: 0.1,
  open: async () => ({
    async *run(context) {
      const program = {
        name: "a broken program",
        interpreter: "node",
        args: ["-e", "throw 'its last words'"],
      } as const;
      yield unmeasured("sample/broken", "", (await runProgram(program, context.signal)).stdout);
    },
  }),
};

async function runSuites(names: readonly string[]): Promise<{ complete: boolean; table: string; document: unknown }> {
  const resultsPath = join(folder, "results.json");
  const printed: string[] = [];
  const complete = await runBenchmarks(
    names,
    { resultsPath, signal, say: () => undefined, print: (text) => void printed.push(text) },
    [nodeSuite, brokenSuite],
  );
  return { complete, table: printed.join("\n"), document: JSON.parse(await readFile(resultsPath, "utf8")) };
}

describe("the runner", () => {
  it("writes the document that interface.md fixes and prints the ratios", async () => {
    const { complete, table, document } = await runSuites(["sample/node"]);
    expect(complete).toBe(true);
    expect(document).toEqual({
      schema: "edgewatt.bench/1",
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      machine: {
        cpu: expect.any(String),
        cores: expect.any(Number),
        memoryMb: expect.any(Number),
        node: process.version,
      },
      results: [
        {
          name: "sample/node/wall",
          value: expect.any(Number),
          unit: "s",
          peer: "a limit",
          peerValue: 3600,
          ratio: expect.any(Number),
          goal: "<= 1",
          ok: true,
          note: null,
        },
        {
          name: "sample/node/memory",
          value: expect.any(Number),
          unit: "MB",
          peer: null,
          peerValue: null,
          ratio: null,
          goal: "<= 1",
          ok: null,
          note: "none",
        },
      ],
    });
    expect(table).toMatch(/sample\/node\/wall .* <= 1 +reached/);
  });

  it("keeps only the results whose name begins with the one given", async () => {
    const { document } = await runSuites(["sample/node/mem"]);
    expect(document).toMatchObject({ results: [{ name: "sample/node/memory" }] });
  });

  it("makes a suite that breaks a result with its reason, and goes on", async () => {
    const { complete, document } = await runSuites([]);
    expect(complete).toBe(false);
    expect(document).toMatchObject({
      results: [
        { name: "sample/node/wall" },
        { name: "sample/node/memory" },
        {
          name: "sample/broken",
          value: null,
          ok: null,
          note: expect.stringContaining("a broken program ended with 1"),
        },
      ],
    });
  });

  it("refuses a name that begins no benchmark, and lists what there is", async () => {
    await expect(runSuites(["quantiser"])).rejects.toMatchObject({ code: "unknown-benchmark" });
    await expect(runSuites(["quantiser"])).rejects.toThrow(/sample\/node, sample\/broken/);
  });

  it("knows its suites by the beginning of their names", () => {
    const names = (suites: readonly SuiteEntry[]): string[] => suites.map((suite) => suite.name);
    expect(selectSuites([])).toEqual(SUITES);
    expect(names(selectSuites(["quantizer/m"]))).toEqual(["quantizer/minmax"]);
    expect(names(selectSuites(["quantizer/minmax/wall"]))).toEqual(["quantizer/minmax"]);
    expect(names(selectSuites(["quantizer"])).length).toBeGreaterThanOrEqual(5);
    expect(() => selectSuites(["quantizer/minmaxwall"])).toThrow(/no benchmark/);
  });
});

describe("figures", () => {
  it("measure the memory of the process itself", async () => {
    const fill = "const held = Buffer.alloc(300e6, 1); process.stdout.write(String(held.length))";
    const run = await runProgram({ name: "300 MB", interpreter: "node", args: ["-e", fill] }, signal);
    expect(run.stdout).toBe("300000000");
    expect(run.peakMemoryMb).toBeGreaterThan(300);
    expect(run.peakMemoryMb).toBeLessThan(500);
  });

  it("reach or miss their goal", () => {
    const measured = { name: "a", unit: "s", peer: "b" };
    const atMost = { comparison: "<=", ratio: 0.5 } as const;
    const atLeast = { comparison: ">=", ratio: 0.99 } as const;
    expect(compare({ ...measured, value: 1, peerValue: 2 }, atMost)).toMatchObject({ ratio: 0.5, ok: true });
    expect(compare({ ...measured, value: 1.1, peerValue: 2 }, atMost)).toMatchObject({ ratio: 0.55, ok: false });
    expect(compare({ ...measured, value: 98, peerValue: 100 }, atLeast)).toMatchObject({ goal: ">= 0.99", ok: false });
    expect(compare({ ...measured, value: 98, peerValue: 100 }, null)).toMatchObject({
      ratio: 0.98,
      goal: null,
      ok: null,
    });
  });

  it("are spread from their smallest to their largest", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(describeSpread(spreadOf([1, 2, 4]), 1)).toBe("1.0 / 2.0 / 4.0");
  });
});

describe("two models on the same images", () => {
  const answers = (right: number, wrong: number): number[] => [
    ...Array<number>(right).fill(1),
    ...Array<number>(wrong).fill(0),
  ];

  it("are told apart by the images that only one of them gets right", () => {
    const own = Uint8Array.from([...answers(5, 5), ...answers(100, 0)]);
    const theirs = Uint8Array.from([...answers(0, 9), 1, ...answers(100, 0)]);
    // P(at most 1 of 6 | even) = 7/64, on both sides.
    expect(describePairs(own, theirs)).toBe("right only in ours 5 images, only in theirs 1, p = 0.22");
    expect(describePairs(own, own)).toBe("right only in ours 0 images, only in theirs 0, p = 1.00");
  });

  it("may differ on so many images that no chance is left", () => {
    const all = Uint8Array.from(answers(2000, 0));
    const none = Uint8Array.from(answers(0, 2000));
    expect(describePairs(none, all)).toBe("right only in ours 0 images, only in theirs 2000, p = 0.00");
  });
});

describe("the runner on another build of ONNX Runtime", () => {
  const libraryIn = (home: string): string => join(home, `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`);

  it("runs on the library that it is given", async () => {
    const library = join(folder, "libonnxruntime.so.copy");
    await copyFile(libraryIn((await agentsOnnxRuntime()).folder), library);
    const [model] = await zooModels();
    await using runner = await startRunner(model?.path ?? "", library);
    expect(await runner.window(0.05)).toBeGreaterThan(0);
  });

  it("is refused when it runs on its own all the same", async () => {
    const [model] = await zooModels();
    await expect(startRunner(model?.path ?? "", join(folder, "no-such-library.so"))).rejects.toMatchObject({
      code: "library-not-taken",
      context: { taken: [libraryIn((await agentsOnnxRuntime()).folder)] },
    });
  });
});

describe("a peer that is not installed", () => {
  it("is named with the line that installs it", async () => {
    const peer = await findPythonPeer(join(folder, "no-such-python"));
    expect(peer).toEqual({
      python: null,
      note: expect.stringMatching(/^reference not installed: pip install onnxruntime==/),
    });
  });

  it("has a library that the runner can take only in the version that the agent has", async () => {
    const { version } = await agentsOnnxRuntime();
    const python = async (library: string): Promise<string> => {
      const path = join(folder, "python");
      await writeFile(path, `#!/bin/sh\necho ${library}\n`, { mode: 0o755 });
      return path;
    };
    const same = `/wheel/libonnxruntime.so.${version}`;
    expect(await findWheelLibrary(await python(same))).toEqual({ library: same });
    expect(await findWheelLibrary(await python("/wheel/libonnxruntime.so.1.2.3"))).toEqual({
      library: null,
      note: `onnxruntime-node is ${version}, Python's package has /wheel/libonnxruntime.so.1.2.3`,
    });
    expect(await findWheelLibrary(await python(""))).toMatchObject({
      note: expect.stringContaining("no shared library"),
    });
  });

  it("leaves our own figure without a ratio", () => {
    const result: BenchResult = compare(
      { name: "a", value: 12.5, unit: "s", peer: null, peerValue: null, note: "reference not installed" },
      { comparison: "<=", ratio: 0.5 },
    );
    expect(result).toMatchObject({ value: 12.5, ratio: null, ok: null });
    expect(renderTable([result])).toMatch(/a +12\.500 +– +s +– +<= 0\.5\n\na: reference not installed/);
    expect(makeDocument([result], new Date(0)).created).toBe("1970-01-01T00:00:00.000Z");
  });
});
