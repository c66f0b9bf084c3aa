import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { benchmarkResultSchema, type ModelArtifact } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import {
  eventually,
  runCommand,
  spawnService,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { childrenOf, command, JOBS_LIMIT_MS, Observer, startAgent, zooModel } from "./agent-rig.ts";

const BIN = new URL("../bin/edgewatt-agent.js", import.meta.url);
const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const NODE_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const OPTIONS = { quick: true, spinning: false, strict: false, windows: 3, windowS: 2, idleS: 1, accuracyImages: 0 };

vi.setConfig({ testTimeout: JOBS_LIMIT_MS });

let dir: TempDir;
let broker: TestBroker;
let observer: Observer;
let model: ModelArtifact;
const agents: SpawnedService[] = [];

beforeAll(async () => {
  dir = await tempDir();
  broker = await startBroker();
  observer = await Observer.connect(broker.url);
  await observer.playIngest(true);
  model = await zooModel("mobilenetv1-cifar10-p40");
});
afterAll(async () => {
  await observer?.close();
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop("SIGKILL");
});

async function start(device: string): Promise<SpawnedService> {
  const agent = await startAgent({ broker: broker.url, device, data: dir.path });
  agents.push(agent);
  return agent;
}

/** Kills the only child for a script with SIGKILL. */
async function killChild(agent: SpawnedService, script: string): Promise<void> {
  const [pid, ...others] = await childrenOf(agent, script);
  if (pid === undefined || others.length > 0) throw new RangeError(`not one ${script}`);
  process.kill(pid, "SIGKILL");
}

/** A window of a run is open: power is marked with it. */
async function windowOf(device: string, run: string): Promise<void> {
  await eventually(
    () => expect(observer.rows(device, "power").some(({ columns }) => columns["run"] === run)).toBe(true),
    { everyMs: 20 },
  );
}

describe("a start", () => {
  it("that cannot keep jobs ends with one line, and leaves no process behind", async () => {
    const data = path.join(dir.path, "broken");
    await mkdir(path.join(data, "agent-pi-broken"), { recursive: true });
    await writeFile(path.join(data, "agent-pi-broken", "jobs"), "a file where a folder must be");
    const args = ["--broker", broker.url, "--device", "pi-broken", "--data", data, "--log-level", "silent"];
    const result = await runCommand(BIN, args);
    expect(result.code).toBe(1);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.stderr).toMatch(/agent-pi-broken\/jobs/);
  });

  it("goes on past a status that it cannot read", async () => {
    const log = createLogger({ name: "test", level: "silent" });
    const mqtt = await connectMqtt({ url: broker.url, clientId: "newer", log, waitMs: 45_000 });
    await mqtt.publish("edgewatt/v1/pi-newer/status", '{"v":2}', { qos: 1, retain: true });
    await mqtt.close();
    await start("pi-newer");
    await eventually(() => expect(observer.status.get("pi-newer")).toMatchObject({ state: "online", boot: 1 }));
  });

  it("without i2c-bus names the compiler and the command that builds it", async () => {
    // The agent as npm installs it where nothing compiles: all of it but i2c-bus.
    const tree = path.join(dir.path, "tree");
    await mkdir(path.join(tree, "node_modules"), { recursive: true });
    for (const name of await readdir(NODE_MODULES)) {
      if (name.startsWith(".") || name === "i2c-bus") continue;
      await symlink(path.join(NODE_MODULES, name), path.join(tree, "node_modules", name));
    }
    for (const part of ["bin", "dist", "package.json"]) {
      await cp(path.join(PACKAGE, part), path.join(tree, "edge-agent", part), { recursive: true });
    }
    const bin = path.join(tree, "edge-agent", "bin", "edgewatt-agent.js");
    const args = ["--broker", broker.url, "--device", "pi-bare", "--data", dir.path, "--source", "ina219"];
    agents.push(await spawnService(bin, [...args, "--log-level", "silent"]));
    await eventually(() =>
      expect(observer.info.get("pi-bare")?.power[0]?.fault).toMatch(
        /i2c-bus is not installed, or not for this Node.js: install a C\+\+ compiler .*`npm ci`/,
      ),
    );
  });
});

describe("a child that is killed", () => {
  it("in a window fails its job with the reason, and the next job runs", async () => {
    const agent = await start("pi-runner");
    const entries = [{ model, precision: "fp32" }];
    await observer.send("pi-runner", command("DOOMED", { entries, options: { ...OPTIONS, windowS: 100 } }));
    await observer.send("pi-runner", command("NEXT", { entries, options: { ...OPTIONS, windows: 1, windowS: 0.5 } }));
    await windowOf("pi-runner", "DOOMED/0");
    await killChild(agent, "runner/child.js");
    const { reason } = await observer.reach("DOOMED", "failed");
    expect(reason?.code).toBe("child-ended");
    expect(reason?.message).toMatch(/^the runner ended by SIGKILL.*dmesg$/);
    await observer.reach("NEXT", "succeeded");
    expect(await childrenOf(agent, "runner/child.js")).toEqual([]);
  });

  it("while it samples costs its window the power, and nothing else", async () => {
    const agent = await start("pi-sampler");
    await observer.send(
      "pi-sampler",
      command("BLINK", { entries: [{ model, precision: "fp32" }], options: { ...OPTIONS, windowS: 4 } }),
    );
    await windowOf("pi-sampler", "BLINK/0");
    const [before] = await childrenOf(agent, "sampler/child.js");
    await killChild(agent, "sampler/child.js");
    const { results } = benchmarkResultSchema.parse((await observer.reach("BLINK", "succeeded")).result);
    const [row] = results.rows;
    expect(row?.flags).toContain("power-missing: 1 of 3 windows: sampler-died");
    // The two other windows have it.
    expect(row?.meanPowerW).toBeGreaterThan(0);
    expect(row?.energyMj.grossHalfWidth95).not.toBeNull();
    expect(row?.latencyMs.halfWidth95).not.toBeNull();
    const [after] = await childrenOf(agent, "sampler/child.js");
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    await eventually(() => expect(observer.info.get("pi-sampler")?.power[0]?.fault).toBeUndefined());
    const power = observer.rows("pi-sampler", "power");
    const holes = power.slice(1).filter(({ tUs }, i) => tUs - (power[i]?.tUs ?? 0) > 150_000);
    expect(holes).toHaveLength(1);
    expect(observer.rows("pi-sampler", "system").length).toBeGreaterThan(3);
  });
});
