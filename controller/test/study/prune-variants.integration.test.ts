import path from "node:path";
import { writeModel } from "@edgewatt/onnx";
import { type Command, pruneArgsSchema, prunedName, type PruneOptions } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { startBroker, type TempDir, tempDir, type TestBroker } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../packages/onnx/test/build-model.ts";
import type { Offer } from "../../src/client/artifacts.ts";
import type { Context } from "../../src/context.ts";
import { pruneVariants } from "../../src/study/prune-variants.ts";
import { openStudiedModel, type StudiedModel } from "../../src/study/studied-model.ts";
import { answering } from "../client/answering-agent.ts";

const UPLOADED = "http://127.0.0.1:1/artifacts/";
const SHA = "b".repeat(64);

let broker: TestBroker;
let cli: MqttConnection;
let dir: TempDir;
let studied: StudiedModel;
let context: Context & { said: string };

beforeAll(async () => {
  dir = await tempDir();
  broker = await startBroker();
  const log = createLogger({ name: "test", level: "silent" });
  cli = await connectMqtt({ url: broker.url, clientId: "cli-test", log, waitMs: 45_000 });
  const b = new ModelBuilder({ seed: 1 });
  b.output(b.relu(b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 32)));
  await writeModel(b.build(), path.join(dir.path, "net.onnx"));
  context = {
    said: "",
    stdout: { write: () => true },
    stderr: { write: (text) => (context.said += text) },
    stdin: process.stdin,
    env: {},
    cwd: dir.path,
    signal: new AbortController().signal,
  };
  studied = await openStudiedModel(context, "net.onnx", { data: ".edgewatt" }, dir.path);
});
afterAll(async () => {
  await cli.close();
  await broker.stop();
  await dir[Symbol.asyncDispose]();
});

/** What an agent answers to a prune job that goes well. */
function succeeded({ args }: Command) {
  const { model, options } = pruneArgsSchema.parse(args);
  const artifact = { ...model, name: prunedName(model.name, options), url: UPLOADED + SHA, sha256: SHA, params: 60 };
  const report = {
    fraction: options.fraction,
    align: options.align,
    by: options.by,
    allocate: options.allocate,
    params: { before: 100, after: 60 },
    bytes: { before: 500, after: 300 },
    channels: [],
    left: [
      { name: "a", reason: "the outputs stay" },
      { name: "b", reason: "the outputs stay" },
    ],
    calibration: { kind: "synthetic", images: 64 },
    wallS: 1,
    peakMemoryMb: 100,
  };
  return { state: "succeeded" as const, result: { model: model.name, artifact, report, cached: false } };
}

const failed = { state: "failed", reason: { code: "nothing-left", message: "nothing would be left" } } as const;

function pruneOn(id: string, fractions: readonly number[]) {
  const device = {
    id,
    presence: "online",
    status: { v: 1, state: "online", boot: 1, conn: 1, ts: 0 },
    info: undefined,
  } as const;
  const images = {
    what: "synthetic",
    kind: "synthetic",
    images: 64,
    data: { calibrationFile: undefined, evaluationFile: undefined },
  } as const;
  const recipe: Pick<PruneOptions, "by" | "allocate"> = { by: "l1", allocate: "uniform" };
  const offer: Offer = (file, kind, name) =>
    Promise.resolve({ name, kind, url: `file://${file}`, sha256: SHA, bytes: 1 });
  return pruneVariants(context, cli, {
    device,
    hubUrl: undefined,
    offer,
    studied,
    images,
    variants: fractions.map((fraction) => ({ fraction, align: 16 as const })),
    recipe,
    timeoutS: undefined,
  });
}

describe("pruning of a study", () => {
  it("asks for one model after the other, and a failure costs the others nothing", async () => {
    const agent = await answering(broker.url, "pi-1", (command) => {
      const { options } = pruneArgsSchema.parse(command.args);
      return [{ state: "accepted" }, options.fraction === 0.9 ? failed : succeeded(command)];
    });
    const pruned = await pruneOn("pi-1", [0.2, 0.9, 0.4]);
    await agent.close();
    expect(agent.commands.map(({ op, args }) => [op, args["options"]])).toEqual(
      [0.2, 0.9, 0.4].map((fraction) => [
        "prune",
        expect.objectContaining({ fraction, align: 16, by: "l1", allocate: "uniform", images: 64 }),
      ]),
    );
    expect(pruned.models.map(({ name }) => name)).toEqual(["net-pruned-20-align16-l1", "net-pruned-40-align16-l1"]);
    expect(pruned.failed).toEqual([{ fraction: 0.9, align: 16, reason: "nothing would be left" }]);
    expect(pruned.variants[0]).toEqual({
      fraction: 0.2,
      align: 16,
      model: "net-pruned-20-align16-l1",
      params: { before: 100, after: 60 },
      cached: false,
      left: [{ reason: "the outputs stay", layers: 2, first: "a" }],
    });
    expect(context.said).toMatch(
      /warning: prune job \w+ on pi-1 failed: nothing would be left \(nothing-left\); the others go on/,
    );
  });

  it("ends with the first reason where nothing could be pruned", async () => {
    const agent = await answering(broker.url, "pi-2", () => [failed]);
    await expect(pruneOn("pi-2", [0.2, 0.4])).rejects.toThrow(/nothing would be left/);
    await agent.close();
  });
});
