import { readdir } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { CanceledError, ModelError } from "../src/errors.ts";
import { profileModel } from "../src/profile.ts";
import { openSession } from "../src/session.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();

const image = { type: "float32" as const, dims: [1, 3, 16, 16], data: new Float32Array(3 * 16 * 16).fill(0.5) };

describe("profileModel", () => {
  it("gives the time of every node that ONNX Runtime runs, and leaves no file", async () => {
    vi.stubEnv("TMPDIR", folder);
    const reports: number[] = [];
    const profile = await profileModel(buildSmallMobileNet(), [{ image }], {
      threads: 1,
      onRuns: (done, total) => reports.push(done / total),
    });
    // Fewer where the machine is so busy that ten seconds do not suffice.
    expect(profile.runs).toBeLessThanOrEqual(200);
    expect(profile.runs).toBeGreaterThanOrEqual(10);
    expect(reports.at(-1)).toBeCloseTo((profile.runs + 10) / 210, 9);
    const ops = profile.kernels.map(({ op }) => op);
    expect(ops.filter((op) => op.endsWith("Conv"))).toHaveLength(3);
    expect(ops.filter((op) => op === "Gemm")).toHaveLength(1);
    for (const { us } of profile.kernels) expect(us).toBeGreaterThanOrEqual(0);
    expect((await readdir(folder)).filter((name) => name.startsWith("edgewatt-"))).toEqual([]);
    vi.unstubAllEnvs();
  });

  it("tells a heavy layer from a light one", async () => {
    const b = new ModelBuilder();
    const heavy = b.conv(b.input("x", [1, 32, 48, 48]), 32, 64, { kernel: 5 });
    b.output(b.conv(heavy, 64, 1, { kernel: 1 }), [1, 1, 48, 48]);
    const x = { type: "float32" as const, dims: [1, 32, 48, 48], data: new Float32Array(32 * 48 * 48).fill(0.1) };
    const { kernels } = await profileModel(b.build(), [{ x }], { threads: 1 });
    const convs = kernels.filter(({ op }) => op.endsWith("Conv")).map(({ us }) => us);
    // 800 times the work: no load on the machine turns that around.
    expect(convs[0]).toBeGreaterThan(convs[1] ?? Infinity);
  });

  it("counts the nodes of a branch once, inside the node that runs them", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", [1, 8]);
    const sum = b.node("ReduceSum", [x], { keepdims: 0n });
    const condition = b.node("Greater", [sum, b.constant([], Float32Array.of(0))]);
    const inner = (body: ModelBuilder) => body.node("Exp", [x], {}, "inside");
    b.output(b.branch(condition, inner, inner, [1, 8]), [1, 8]);
    const feed = { type: "float32" as const, dims: [1, 8], data: new Float32Array(8).fill(1) };
    const { kernels } = await profileModel(b.build(), [{ x: feed }]);
    expect(kernels.map(({ op }) => op)).toContain("If");
    expect(kernels.map(({ op }) => op)).not.toContain("Exp");
  });

  it("stops on an aborted signal, and reports a model that does not load", async () => {
    await expect(profileModel(buildSmallMobileNet(), [{ image }], { signal: AbortSignal.abort() })).rejects.toThrow(
      CanceledError,
    );
    const b = new ModelBuilder();
    b.output(b.node("NoSuchOperator", [b.input("x", [1])]), [1]);
    await expect(profileModel(b.build(), [{}], { name: "odd.onnx" })).rejects.toThrow(ModelError);
  });
});

describe("simulateQuantization", () => {
  it("keeps a float Conv between Q and DQ in float, whose weights ONNX Runtime rounds otherwise", async () => {
    const build = () => {
      const b = new ModelBuilder({ seed: 5 });
      const scale = b.constant([], Float32Array.of(1 / 64));
      const around = (tensor: string) => b.node("DequantizeLinear", [b.node("QuantizeLinear", [tensor, scale]), scale]);
      const conv = b.conv(around(b.input("x", [1, 3, 8, 8])), 3, 8, { kernel: 1, bias: false });
      b.output(around(conv), [1, 8, 8, 8]);
      return b.build();
    };
    const values = Float32Array.from({ length: 192 }, (_, index) => (index % 41) / 41);
    const run = async (options: Parameters<typeof openSession>[1]) => {
      await using session = await openSession(build(), options);
      const outputs = await session.run({ x: { type: "float32", dims: [1, 3, 8, 8], data: values } });
      return Object.values(outputs)[0]?.data as Float32Array;
    };
    const asInFile = await run({ optimization: "disabled" });
    expect(await run({ simulateQuantization: true })).toEqual(asInFile);
    expect(await run({})).not.toEqual(asInFile);
  });
});
