import { describe, expect, it } from "vitest";
import {
  benchmarkArguments,
  benchmarkArgsSchema,
  cancellationOf,
  decodeMessage,
  encodeMessage,
  newCommand,
  quantizeArguments,
  quantizeArgsSchema,
  runStateOf,
  type JobState,
  type ModelArtifact,
} from "../src/index.ts";

const model: ModelArtifact = {
  name: "m",
  url: "http://hub.local/artifacts/0",
  sha256: "0".repeat(64),
  bytes: 10,
  kind: "model",
};
const inputs = { evaluation: undefined, calibration: { kind: "synthetic" }, upload: "http://hub.local/a" } as const;
const nowMs = 1_700_000_000_000;

describe("a command", () => {
  const args = benchmarkArguments({ ...inputs, models: [model], precisions: ["fp32", "int8"] }, { quick: true });
  const command = newCommand({ job: "01KAQ3N9V4M6T2X8Z0B1C5D7EF", op: "benchmark", by: "page", args, nowMs });

  it("is one that its schema takes, and expires in an hour", () => {
    expect(decodeMessage("command", Buffer.from(encodeMessage("command", command)))).toEqual(command);
    expect(command).toMatchObject({ rev: 1, cancel: false, timeoutS: 7200, expiresAt: nowMs + 3_600_000 });
  });

  it("is canceled by its next revision, with all else unchanged", () => {
    expect(cancellationOf(command, "me@here")).toEqual({ ...command, rev: 2, cancel: true, by: "me@here" });
  });

  it("has a state that says who is waited for", () => {
    const state = { state: "running" } as JobState;
    const canceled = cancellationOf(command, "page");
    expect(runStateOf({ command, state: null }, nowMs)).toBe("waiting");
    expect(runStateOf({ command, state: null }, command.expiresAt + 1)).toBe("expired");
    expect(runStateOf({ command, state }, nowMs)).toBe("running");
    expect(runStateOf({ command: canceled, state }, nowMs)).toBe("canceling");
    expect(runStateOf({ command: canceled, state: null }, nowMs)).toBe("canceled");
    expect(runStateOf({ command: canceled, state: { ...state, state: "succeeded" } }, nowMs)).toBe("succeeded");
  });
});

describe("arguments", () => {
  const evaluation = { ...model, kind: "cifar" } as const;

  it("of a benchmark have an entry for each model and precision, and calibration only where int8 needs it", () => {
    const args = benchmarkArguments({ ...inputs, models: [model, { ...model, name: "n" }], precisions: ["fp32"] }, {});
    expect(benchmarkArgsSchema.parse(args)).toEqual(args);
    expect(args.entries.map((entry) => `${entry.model.name} ${entry.precision}`)).toEqual(["m fp32", "n fp32"]);
    expect(args).not.toHaveProperty("calibration");
  });

  it("of a benchmark take as many test images as the method says, and none without a set", () => {
    const of = (options: object, set: typeof evaluation | undefined) =>
      benchmarkArguments({ ...inputs, evaluation: set, models: [model], precisions: ["int8"] }, options).options;
    expect(of({}, evaluation).accuracyImages).toBe(10_000);
    expect(of({ quick: true }, evaluation).accuracyImages).toBe(2_000);
    expect(of({ accuracyImages: 5 }, evaluation).accuracyImages).toBe(5);
    expect(of({ accuracyImages: 5 }, undefined).accuracyImages).toBe(0);
  });

  it("of a quantization are those that its schema takes", () => {
    const args = quantizeArguments({ ...inputs, evaluation, model }, { perTensor: true });
    expect(quantizeArgsSchema.parse(args)).toEqual(args);
    expect(args.options).toEqual({ images: 256, perTensor: true });
  });
});
