import { writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { type ChildSpec, SupervisedChild } from "../../src/stack/supervised-child.ts";

/** A service in small: says that it is ready, with its flags and process id, and ends on SIGTERM or with its parent. */
const SERVICE = `
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
if (process.argv.includes("--refuse")) { console.error("edgewatt part: port 1 is in use: pass another"); process.exit(2); }
console.error("hello");
console.log(JSON.stringify({ ready: true, pid: process.pid, args: process.argv.slice(2) }));
`;

async function specIn(dir: string, args: ChildSpec["args"]): Promise<ChildSpec> {
  const script = path.join(dir, "service.mjs");
  await writeFile(script, SERVICE);
  return { name: "part", script, args, stopTimeoutMs: 5_000 };
}

function recorder() {
  const lines: string[] = [];
  const crashes: string[] = [];
  return {
    lines,
    crashes,
    events: {
      onLine: (_name: string, line: string) => void lines.push(line),
      onCrash: (_name: string, how: string) => void crashes.push(how),
    },
  };
}

describe("a supervised child", () => {
  it("is ready with what it announced, and its log comes through", async () => {
    await using dir = await tempDir();
    const { lines, events } = recorder();
    const child = await SupervisedChild.start(await specIn(dir.path, () => ["--a", "1"]), events);
    expect(child.ready).toMatchObject({ ready: true, args: ["--a", "1"] });
    await eventually(() => expect(lines).toEqual(["hello"]));
    await child.stop();
    expect(() => process.kill(Number(child.ready["pid"]), 0)).toThrow(/ESRCH/);
  });

  it("is started again after a crash, and told what the first start announced", async () => {
    await using dir = await tempDir();
    const { lines, crashes, events } = recorder();
    const spec = await specIn(dir.path, (previous) => (previous === undefined ? ["first"] : ["again"]));
    const child = await SupervisedChild.start(spec, events);
    process.kill(Number(child.ready["pid"]), "SIGKILL");
    await eventually(() => expect(lines).toEqual(["hello", "hello"]));
    expect(crashes).toEqual(["signal SIGKILL"]);
    await child.stop();
  });

  it("that refuses to start gives its own reason and exit code", async () => {
    await using dir = await tempDir();
    const starting = SupervisedChild.start(await specIn(dir.path, () => ["--refuse"]), recorder().events);
    await expect(starting).rejects.toMatchObject({
      message: "part did not start (exit code 2): port 1 is in use: pass another",
      exitCode: 2,
    });
  });
});
