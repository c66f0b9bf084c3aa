import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { decodeMessage, topicFilter } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import { eventually, queryInflux, requireSystem, type SpawnedService, type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewatt, edgewattJson, type Place, processesOn, startPart, startUp } from "../edgewatt.ts";

interface Devices {
  readonly devices: readonly { readonly id: string; readonly presence: string }[];
}
interface Runs {
  readonly jobs: readonly {
    readonly job: string;
    readonly device: string;
    readonly op: string;
    readonly state: { readonly state: string } | null;
  }[];
}

const TINY = [
  "--quick",
  "--windows",
  "1",
  "--window-s",
  "0.3",
  "--idle-s",
  "0.2",
  "--threads",
  "1",
  "--precisions",
  "fp32",
];

/** Counts the batches of watts that a device sends while a job runs. */
async function countBatches(url: string, device: string) {
  const log = createLogger({ name: "test", level: "silent" });
  const connection = await connectMqtt({ url, clientId: `test-${process.pid}`, log, waitMs: 45_000 });
  let count = 0;
  await connection.subscribe(topicFilter("telemetry", { device, stream: "power" }), ({ payload }) => {
    if (decodeMessage("telemetry", payload).job !== undefined) count++;
  });
  return {
    /** Waits for the last ones, which may come behind the end of the job. */
    async expectSome() {
      await eventually(() => expect(count).toBeGreaterThan(0));
      await connection.close();
    },
  };
}

describe("a stack", () => {
  let dir: TempDir;
  let place: Place;
  let stack: SpawnedService;

  beforeAll(async () => {
    dir = await tempDir();
    place = { dir: dir.path };
    stack = await startUp(place, ["--device", "pi-1"]);
  });
  afterAll(async () => {
    await stack.stop();
    await dir[Symbol.asyncDispose]();
  });

  it("says in its ready line and in stack.json where everything is", async () => {
    expect(stack.ready).toMatchObject({ ready: true, data: dir.path, device: "pi-1" });
    const { mqtt, hub, influx } = stack.ready;
    expect(JSON.parse(await readFile(path.join(dir.path, "stack.json"), "utf8"))).toMatchObject({
      mqtt,
      hub,
      influx,
      pid: stack.child.pid,
    });
    expect((await fetch(`${stack.ready["hub"]}/health`)).status).toBe(200);
    expect((await fetch(stack.ready["hub"])).headers.get("content-type")).toMatch(/^text\/html/);
  });

  it.skipIf(requireSystem("influxd").skip)("keeps telemetry in a private database", async () => {
    await eventually(async () => {
      const [row] = await queryInflux(stack.ready["influx"], "select count(watts) from power where device = 'pi-1'");
      expect(row?.["count"]).toBeGreaterThan(0);
    });
  });

  it("shows its agent in `devices`", async () => {
    const { devices } = await edgewattJson<Devices>(place, ["devices"]);
    expect(devices.map(({ id, presence }) => [id, presence])).toEqual([["pi-1", "online"]]);
    expect((await edgewatt(place, ["devices", "show", "pi-1"])).stdout).toMatch(/Power main +estimate/);
  });

  it("refuses a second stack on its data folder", async () => {
    const { code, stderr } = await edgewatt(place, ["up", "--mqtt-port", "0", "--http-port", "0"]);
    expect(stderr).toMatch(/^edgewatt: data folder .* is in use by the stack with process id \d+: .*\n$/);
    expect(code).toBe(1);
  });

  it("quantizes a model and prints what came out", async () => {
    const { results } = await edgewattJson<{ results: { report: { bytes: { float: number; int8: number } } }[] }>(
      place,
      ["quantize", "p40", "--images", "16"],
    );
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({
      device: "pi-1",
      model: "mobilenetv1-cifar10-p40",
      accuracyPct: null,
      report: { calibration: { kind: "synthetic", images: 16 }, nodes: { float: [] } },
    });
    const [quantized] = results;
    expect((quantized?.report.bytes.int8 ?? 1) / (quantized?.report.bytes.float ?? 1)).toBeLessThanOrEqual(0.285);
  });

  it("measures a model; the results are in `runs` and `report`", async () => {
    const results = await edgewattJson<{ schema: string; rows: Record<string, unknown>[] }>(place, [
      "benchmark",
      "p40",
      ...TINY,
    ]);
    expect(results.schema).toBe("edgewatt.results/1");
    expect(results.rows).toHaveLength(1);
    expect(results.rows[0]).toMatchObject({ device: "pi-1", precision: "fp32", params: 1_174_647, accuracyPct: null });
    const job = String(results.rows[0]?.["run"]).split("/")[0] ?? "";
    const { jobs } = await edgewattJson<Runs>(place, ["runs"]);
    expect(jobs[0]).toMatchObject({ job, device: "pi-1", op: "benchmark", state: { state: "succeeded" } });
    const shown = await edgewattJson<{ job: string }>(place, ["runs", "show", job]);
    expect(shown.job).toBe(job);
    const report = await edgewattJson<{ out: string; files: string[] }>(place, [
      "report",
      "--runs",
      job,
      "--out",
      "mine",
    ]);
    expect(report.out).toBe(path.join(dir.path, "mine"));
    expect(report.files).toContain("pareto.svg");
    expect(JSON.parse(await readFile(path.join(report.out, "results.json"), "utf8")).rows).toEqual(results.rows);
  });

  it("exits with 1 for flagged rows only when asked to", async () => {
    const { code, stdout, stderr } = await edgewatt(place, ["benchmark", "p40", ...TINY, "--fail-on-flags"]);
    expect(stdout).toMatch(/mobilenetv1-cifar10-p40/);
    expect(stderr).toMatch(/1 of 1 row carries flags/);
    expect(code).toBe(1);
  });

  it("names the known devices when one is not known, and exits with 3", async () => {
    const { code, stderr } = await edgewatt(place, ["benchmark", "p40", "--on", "pi-9"]);
    expect(stderr).toMatch(/^edgewatt: no device pi-9 at this broker: known are pi-1 \(online\); .*\n$/);
    expect(code).toBe(3);
  });

  it("takes a second agent, which measures while its watts keep moving", async () => {
    await using second = await tempDir();
    const agent = await startPart({ dir: second.path }, "agent", ["--broker", stack.ready["mqtt"], "--device", "pi-2"]);
    try {
      const { devices } = await edgewattJson<Devices>(place, ["devices"]);
      expect(devices.map(({ id }) => id)).toEqual(["pi-1", "pi-2"]);
      const nobody = await edgewatt(place, ["benchmark", "p40", ...TINY]);
      expect(nobody.stderr).toMatch(
        /several devices are online: choose with --on; known are pi-1 \(online\), pi-2 \(online\)/,
      );
      expect(nobody.code).toBe(3);
      const watts = await countBatches(stack.ready["mqtt"], "pi-2");
      const results = await edgewattJson<{ rows: { device: string }[] }>(place, [
        "benchmark",
        "p40",
        ...TINY,
        "--on",
        "pi-2",
      ]);
      expect(results.rows.map(({ device }) => device)).toEqual(["pi-2"]);
      await watts.expectSome();
      const both = await edgewattJson<{ rows: { device: string }[] }>(place, [
        "benchmark",
        "p40",
        ...TINY,
        "--on",
        "pi-1,pi-2",
      ]);
      expect(both.rows.map(({ device }) => device)).toEqual(["pi-1", "pi-2"]);
    } finally {
      await agent.stop();
    }
    await eventually(async () => {
      const { devices } = await edgewattJson<Devices>(place, ["devices"]);
      expect(devices.find(({ id }) => id === "pi-2")?.presence).toBe("offline");
    });
  });

  it("cancels a job when another terminal asks for it", async () => {
    const measuring = edgewatt(place, [
      "benchmark",
      "p00",
      "--windows",
      "3",
      "--window-s",
      "60",
      "--precisions",
      "fp32",
    ]);
    const job = await eventually(async () => {
      const { jobs } = await edgewattJson<Runs>(place, ["runs"]);
      expect(jobs[0]?.state?.state).toBe("running");
      return jobs[0]?.job ?? "";
    });
    const canceled = await edgewattJson<{ job: string; state: string }>(place, ["cancel", job]);
    expect(canceled).toEqual({ job, device: "pi-1", state: "canceled", hadEnded: false });
    const { code, stderr } = await measuring;
    expect(stderr).toMatch(new RegExp(`benchmark job ${job} on pi-1 canceled`));
    expect(code).toBe(1);
  });
});

describe("a stack that ends", () => {
  it("in order at SIGINT, with exit code 130 and nothing left running", async () => {
    await using dir = await tempDir();
    const stack = await startUp({ dir: dir.path });
    expect((await processesOn(dir.path)).length).toBeGreaterThan(3);
    expect(await stack.stop("SIGINT")).toEqual({ code: 130, signal: null });
    expect(stack.stderr()).not.toMatch(/starting it again/);
    await eventually(async () => expect(await processesOn(dir.path)).toEqual([]));
    await expect(readFile(path.join(dir.path, "stack.json"))).rejects.toThrow(/ENOENT/);
  });

  it("by kill -9 leaves no process behind, and the next one starts on its data", async () => {
    await using dir = await tempDir();
    const stack = await startUp({ dir: dir.path });
    await stack.stop("SIGKILL");
    await eventually(async () => expect(await processesOn(dir.path)).toEqual([]));
    const next = await startUp({ dir: dir.path });
    expect(await next.stop()).toEqual({ code: 0, signal: null });
  });

  it("brings a killed part back at the same address", async () => {
    await using dir = await tempDir();
    const stack = await startUp({ dir: dir.path });
    const hub = (await processesOn(dir.path)).find(({ commandLine }) => commandLine.includes("edgewatt-hub"));
    expect((await fetch(`${stack.ready["hub"]}/health`)).ok).toBe(true);
    process.kill(hub?.pid ?? 0, "SIGKILL");
    await eventually(async () => expect(stack.stderr()).toMatch(/hub ended \(signal SIGKILL\)/));
    await eventually(async () => expect((await fetch(`${stack.ready["hub"]}/health`)).ok).toBe(true));
    await stack.stop();
  });
});

/** Not the guard, whose arguments name it too. */
const DATABASE = /^\S*influxd -config/;

describe.skipIf(requireSystem("influxd").skip)("the private database", () => {
  it("is one again, at the same address, after its guard was killed", async () => {
    await using dir = await tempDir();
    const stack = await startUp({ dir: dir.path });
    const running = async (pattern: RegExp) =>
      (await processesOn(dir.path)).filter(({ commandLine }) => pattern.test(commandLine)).map(({ pid }) => pid);
    const [before] = await running(DATABASE);
    for (const pid of await running(/influxd-guard/)) process.kill(pid, "SIGKILL");
    await eventually(async () => {
      const databases = await running(DATABASE);
      expect(databases).toHaveLength(1);
      expect(databases).not.toContain(before);
      expect((await fetch(`${stack.ready["influx"]}/ping`)).status).toBe(204);
    });
    await stack.stop();
    expect(await processesOn(dir.path)).toEqual([]);
  });
});

describe("a stack on a database of somebody else", () => {
  it("says that how long it keeps points is left alone", async () => {
    await using dir = await tempDir();
    const influx = "http://127.0.0.1:1";
    const stack = await startUp({ dir: dir.path }, ["--influx", influx, "--raw", "30d"]);
    expect(stack.ready).toMatchObject({ influx });
    expect(stack.stderr()).toMatch(
      /^edgewatt: --raw, --seconds and --minutes are for a private influxd, which http:\/\/127\.0\.0\.1:1 is not: /m,
    );
    await stack.stop();
  });
});

describe("a stack with a configuration file", () => {
  it("takes from it what no flag says", async () => {
    await using dir = await tempDir();
    const file = "broker:\n  mqttPort: 0\n  wsPort: 0\nhub:\n  httpPort: 0\nagent:\n  device: from-file\n";
    await writeFile(path.join(dir.path, "edgewatt.yaml"), file);
    const stack = await startPart({ dir: dir.path }, "up", []);
    expect(stack.ready).toMatchObject({ device: "from-file", ws: expect.stringMatching(/^ws:/) });
    await stack.stop();
  });
});

describe("what keeps a stack from starting", () => {
  it("a port in use: says so, and leaves nothing running", async () => {
    await using dir = await tempDir();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr, stdout } = await edgewatt({ dir: dir.path }, ["up", "--mqtt-port", String(port), "--json"]);
    server.close();
    expect(stderr).toMatch(
      new RegExp(`^edgewatt: broker did not start .*port ${port} on 127.0.0.1 is in use: .*--mqtt-port 0.*\\n$`),
    );
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(await processesOn(dir.path)).toEqual([]);
  });

  it("listening beyond loopback without --insecure: wrong usage", async () => {
    await using dir = await tempDir();
    const { code, stderr } = await edgewatt({ dir: dir.path }, ["up", "--mqtt-port", "0", "--listen", "0.0.0.0"]);
    expect(stderr).toMatch(/add --insecure/);
    expect(code).toBe(2);
  });

  it("a data folder that cannot be made", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "a-file");
    await writeFile(file, "");
    const { code, stderr } = await edgewatt({ dir: dir.path }, ["up", "--data", path.join(file, "data")]);
    expect(stderr).toMatch(/^edgewatt: data folder .* cannot be written \(ENOTDIR\): .*--data DIR\n$/);
    expect(code).toBe(1);
  });

  it.skipIf(process.getuid?.() === 0)("a data folder that must not be written", async () => {
    await using dir = await tempDir();
    const locked = path.join(dir.path, "locked");
    await mkdir(locked);
    await chmod(locked, 0o500);
    const { code, stderr } = await edgewatt({ dir: dir.path }, ["up", "--data", locked]);
    expect(stderr).toMatch(/cannot be written \(EACCES\)/);
    expect(code).toBe(1);
  });
});
