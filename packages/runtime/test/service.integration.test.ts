import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually, runCommand } from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";

const FIXTURE = fileURLToPath(new URL("fixtures/service.mjs", import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function start(args: string[], waitFor = '"ready":true') {
  const child = spawn(process.execPath, [FIXTURE, "--json", ...args], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  children.push(child);
  const output = { stdout: "", stderr: "" };
  const { stdout, stderr } = child as ChildProcess & Record<"stdout" | "stderr", Readable>;
  stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // Not "close": Node does not emit that once this side has disconnected. What it wrote may come in after its end.
  const ended = Promise.all([once(child, "exit"), once(stdout, "end"), once(stderr, "end")]).then(
    ([[code, signal]]) => ({ code, signal }),
  );
  await eventually(() => expect(output.stdout + output.stderr).toContain(waitFor));
  return { child, output, ended };
}

describe("runService", () => {
  it("prints one ready line on stdout, stops in order on SIGTERM, and exits 0", async () => {
    const { child, output, ended } = await start([]);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    const [ready = "", ...rest] = output.stdout.trim().split("\n");
    expect(JSON.parse(ready)).toEqual({ ready: true, port: expect.any(Number) });
    expect(rest).toEqual(["stopping aborted=true", "stopped"]);
  });

  it("stops in order on SIGINT and exits 130", async () => {
    const { child, output, ended } = await start([]);
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, signal: null });
    expect(output.stdout).toContain("stopped");
  });

  it("ends at once on the second signal", async () => {
    const { child, output, ended } = await start(["--stop", "hang"]);
    child.kill("SIGTERM");
    await eventually(() => expect(output.stdout).toContain("stopping"));
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 130, signal: null });
  });

  it("takes two SIGINT of one key press for one, and a later one for the second", async () => {
    const { child, output, ended } = await start(["--stop", "hang"]);
    child.kill("SIGINT");
    await eventually(() => expect(output.stdout).toContain("stopping"));
    // Later than the echo that `npm run` makes of a key press.
    await sleep(200);
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, signal: null });
  });

  it("ends with code 1 and a log line when the orderly stop hangs", async () => {
    const { child, output, ended } = await start(["--stop", "hang", "--stop-timeout-ms=300"]);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(output.stderr).toContain("the orderly stop took too long");
  });

  it("ends with code 1 when something is left open after the stop", async () => {
    const { child, output, ended } = await start(["--stop", "leak", "--stop-timeout-ms=300"]);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(output.stdout).toContain("stopped");
  });

  it("stops in order when its parent goes", async () => {
    const { child, output, ended } = await start([]);
    child.disconnect();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(output.stdout).toContain("stopped");
  });

  it("can be interrupted while it starts", async () => {
    const { child, ended, output } = await start(["--startup", "wait"], "waiting");
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, signal: null });
    expect(output.stdout).not.toContain("ready");
    expect(output.stderr).toBe("");
  });

  it("stops and exits 1 with one line when it fails later", async () => {
    const { output, ended } = await start(["--fail-after-ms", "50"]);
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(output.stderr).toBe("edgewatt fixture: the disk went: plug it in\n");
    expect(output.stdout).toContain("stopped");
  });

  it("exits 1 with one line when the stop fails", async () => {
    const { child, output, ended } = await start(["--stop", "throw"]);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(output.stderr).toBe("edgewatt fixture: could not flush: free some space\n");
  });

  it.each([
    [["--startup", "throw"], 1, "edgewatt fixture: the disk is gone: plug it in\n"],
    [["--startup", "unreachable"], 3, "edgewatt fixture: nobody is there: start them\n"],
    [
      ["--nope", "--log-level=loud"],
      2,
      /^edgewatt fixture: --nope: unknown flag.*\nedgewatt fixture: --log-level: expected one of .*\n$/,
    ],
    [["--startup", "bug"], 1, /"stack":"TypeError/],
  ] as const)("%j exits %i and says why", async (args, code, stderr) => {
    const result = await runCommand(FIXTURE, [...args, "--json"]);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toMatch(stderr);
  });

  it("prints help from the schema and does not start", async () => {
    const result = await runCommand(FIXTURE, ["--help"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toContain("--startup ok|throw|unreachable|bug|wait");
  });

  it("keeps stdout empty without --json", async () => {
    const child = spawn(process.execPath, [FIXTURE], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let stderr = "";
    let stdout = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    await eventually(() => expect(stderr).toMatch(/^edgewatt fixture is ready: port \d+\n/));
    expect(stdout).toBe("");
  });
});
