import { access, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  eventually,
  findCommand,
  requireSystem,
  runCommand,
  spawnService,
  startBroker,
  startInfluxd,
  startMosquitto,
  tempDir,
} from "@edgewatt/testing";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import { describe, expect, it, vi } from "vitest";

const influxd = requireSystem("influxd");
const mosquitto = requireSystem("mosquitto");
const log = createLogger({ name: "test", level: "silent" });

async function scriptIn(dir: string, text: string): Promise<string> {
  const file = path.join(dir, "script.mjs");
  await writeFile(file, text);
  return file;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("requireSystem", () => {
  it("finds what is installed and names what is not", () => {
    expect(requireSystem("sh", "cat")).toEqual({ skip: false, reason: "" });
    vi.stubEnv("CI", "");
    expect(requireSystem("sh", "no-such-command")).toEqual({
      skip: true,
      reason: "no-such-command not installed: run scripts/system-packages.sh",
    });
    vi.stubEnv("CI", "true");
    expect(() => requireSystem("no-such-command")).toThrow("scripts/system-packages.sh");
    vi.unstubAllEnvs();
    expect(findCommand("sh")).toMatch(/\/sh$/);
  });
});

describe("eventually", () => {
  it("returns the first success and throws the last error", async () => {
    let calls = 0;
    const climb = () => {
      calls++;
      if (calls < 3) throw new RangeError(`only ${calls}`);
      return calls;
    };
    expect(await eventually(climb, { everyMs: 1 })).toBe(3);
    const never = eventually(() => Promise.reject(new RangeError("never")), { timeoutMs: 20, everyMs: 1 });
    await expect(never).rejects.toThrow("never");
  });
});

describe("tempDir", () => {
  it("is gone after its scope", async () => {
    let kept: string;
    {
      await using dir = await tempDir();
      kept = dir.path;
      await writeFile(path.join(kept, "x"), "");
      expect(await readdir(kept)).toEqual(["x"]);
    }
    await expect(access(kept)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("processes", () => {
  it("says what a service wrote when it ends before it is ready", async () => {
    await using dir = await tempDir();
    const script = await scriptIn(dir.path, 'console.error("no luck"); process.exitCode = 7;');
    await expect(spawnService(script, [])).rejects.toThrow(/ended with code 7 before it was ready\nno luck/);
  });

  it("ends a service that is not ready in time", async () => {
    await using dir = await tempDir();
    const script = await scriptIn(dir.path, "console.error(process.pid); setInterval(() => {}, 1000);");
    const error: unknown = await spawnService(script, [], { readyTimeoutMs: 3_000 }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "not-ready", message: expect.stringContaining("was not ready within 3 s") });
    const pid = Number((error as Error).message.split("\n")[1]);
    expect(pid).toBeGreaterThan(1);
    expect(isAlive(pid)).toBe(false);
  });

  it("runs a command to its end with its output and code", async () => {
    await using dir = await tempDir();
    const script = await scriptIn(
      dir.path,
      "console.log(process.argv[2], process.env.X, process.cwd()); console.error(1); process.exitCode = 3;",
    );
    const result = await runCommand(script, ["a"], { env: { X: "y" }, cwd: dir.path });
    expect(result).toEqual({ code: 3, signal: null, stdout: `a y ${dir.path}\n`, stderr: "1\n" });
  });
});

describe("startBroker", () => {
  it("starts again on the port of an earlier one", async () => {
    const first = await startBroker();
    const mqttPort = Number(new URL(first.url).port);
    await first.stop("SIGKILL");
    const second = await startBroker({ mqttPort });
    expect(second.url).toBe(first.url);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
  });
});

describe(`startMosquitto ${mosquitto.reason}`, () => {
  it.skipIf(mosquitto.skip)("is a broker, and ends", async () => {
    const broker = await startMosquitto();
    const connection = await connectMqtt({ url: broker.url, clientId: "a", log, waitMs: 45_000 });
    await connection.publish("x", "1");
    await connection.close();
    await broker.stop();
    await expect(connectMqtt({ url: broker.url, clientId: "a", log, waitMs: 100 })).rejects.toMatchObject({
      code: "unreachable",
    });
  });
});

describe(`startInfluxd ${influxd.reason}`, () => {
  it.skipIf(influxd.skip)("keeps what it stored over kill -9 when it is started on the same folder", async () => {
    const first = await startInfluxd();
    const query = async (url: string, method: string, q: string) => {
      const response = await fetch(`${url}/query?${new URLSearchParams({ db: "t", q })}`, { method });
      return (await response.json()) as { results: { series?: { values: unknown[][] }[] }[] };
    };
    await query(first.url, "POST", "CREATE DATABASE t");
    const written = await fetch(`${first.url}/write?db=t&precision=u`, {
      method: "POST",
      body: "power,device=a watts=2.5 1000000\n",
    });
    expect(written.status).toBe(204);
    await first.kill();
    await expect(fetch(`${first.url}/ping`)).rejects.toThrow("fetch failed");

    const second = await startInfluxd({ dir: first.dir, port: Number(new URL(first.url).port) });
    expect(second.url).toBe(first.url);
    const answer = await query(second.url, "GET", "SELECT watts FROM power");
    expect(answer.results[0]?.series?.[0]?.values).toEqual([["1970-01-01T00:00:01Z", 2.5]]);
    await second.stop();
    await first.stop();
    await expect(access(first.dir)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
