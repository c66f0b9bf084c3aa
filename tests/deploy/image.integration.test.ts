import assert from "node:assert/strict";
import { access, chmod, readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  installedCommand,
  requireSystem,
  startChild,
  tempDir,
  type TempDir,
  type TestChild,
} from "@edgewatt/testing";
import { buildTree, confined, dataFolder, releaseTree } from "./built-image.ts";

const tools = requireSystem("g++", "make", "python3", "setpriv");
/** Two installations of everything, on a machine that does other things too. */
const BUILD_TIMEOUT_MS = 1_500_000;

let dir: TempDir | undefined;
let app = "";
const running: TestChild[] = [];

beforeAll(async () => {
  if (tools.skip) return;
  dir = await tempDir();
  // Others are to read it.
  await chmod(dir.path, 0o755);
  app = path.join(dir.path, "app");
  await buildTree(app);
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  for (const child of running.splice(0).toReversed()) await child.stop();
  if (dir === undefined) return;
  await releaseTree(app);
  await dir[Symbol.asyncDispose]();
});

/** The entry point of the image, as its user, with nothing of this process' environment. */
function edgewatt(args: readonly string[], data: string): TestChild {
  const [command = "", ...words] = [
    ...confined(installedCommand("setpriv")),
    process.execPath,
    path.join(app, "controller/bin/edgewatt.js"),
    ...args,
  ];
  return startChild(command, words, { cwd: data, env: { NODE_ENV: "production", EDGEWATT_DATA: data } });
}

/** Starts a part and waits until it is ready and well. */
async function start(name: string, args: readonly string[]): Promise<Record<string, string>> {
  const data = await dataFolder(dir?.path ?? "", name);
  const child = edgewatt(
    [name, ...args, ...(name === "broker" ? [] : ["--data", data]), "--metrics-port", "0", "--json"],
    data,
  );
  running.push(child);
  await eventually(() => assert.match(child.stdout(), /\n/, child.stderr()));
  const ready = JSON.parse(child.stdout().split("\n")[0] ?? "") as Record<string, string>;
  const health = new URL("/health", ready["metrics"]);
  await eventually(async () => assert.equal((await fetch(health)).status, 200));
  return ready;
}

describe.skipIf(tools.skip)("what deploy/Dockerfile builds", () => {
  it("holds no compiler of ours, no tests and no sources, and one library of ONNX Runtime", async () => {
    for (const gone of [
      "node_modules/typescript",
      "node_modules/vitest",
      "tests",
      "docs",
      "bench",
      "hub/src",
      "packages/testing",
    ]) {
      await expect(access(path.join(app, gone))).rejects.toThrow("ENOENT");
    }
    await access(path.join(app, "node_modules/i2c-bus/build/Release/i2c.node"));
    const runtime = path.join(app, "node_modules/onnxruntime-node/bin");
    const libraries = (await readdir(runtime, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const places = new Set(
      libraries.map(({ parentPath }) => path.relative(runtime, parentPath).split(path.sep).slice(1).join("/")),
    );
    expect(places).toEqual(new Set([`linux/${process.arch}`]));
  });

  it("starts every part as a user who cannot write its code, and has no rights beyond", async () => {
    const { mqtt = "" } = await start("broker", ["--mqtt-port", "0"]);
    await start("ingest", ["--broker", mqtt]);
    const { hub = "" } = await start("hub", ["--broker", mqtt, "--http-port", "0"]);
    await start("agent", ["--broker", mqtt, "--device", "box-1", "--source", "estimate"]);
    const page = await (await fetch(hub)).text();
    // What the API answers depends on what has run.
    for (const [, file = ""] of page.matchAll(/(?:src|href)="(\/(?!api\/)[^"#]+)"/g)) {
      expect({ file, status: (await fetch(new URL(file, hub))).status }).toEqual({ file, status: 200 });
    }
    const data = await dataFolder(dir?.path ?? "", "cli");
    const devices = edgewatt(["devices", "--broker", mqtt, "--json"], data);
    expect((await devices.ended).code).toBe(0);
    expect(devices.stdout()).toContain('"box-1"');
    const build = edgewatt(["dashboards", "build", "--out", "grafana"], data);
    expect((await build.ended).code).toBe(0);
    for (const child of running) expect(child.stderr()).not.toMatch(/EACCES|EROFS|EPERM/);
  });
});
