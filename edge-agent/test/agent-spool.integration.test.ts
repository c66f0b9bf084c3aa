import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { decodeMessage } from "@edgewatt/protocol";
import { eventually, runCommand, startBroker, tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { jsonOf, nameOf, scan } from "../src/telemetry/spool/frame.ts";
import { batchKey } from "../src/telemetry/spool/spool.ts";
import { Observer, startAgent } from "./agent-rig.ts";

const DEVICE = "pi-spool";

/** What the spool of an agent holds, as anybody reads it: `boot/stream/seq` and the payload. */
async function readSpool(data: string): Promise<Map<string, string>> {
  const dir = path.join(data, `agent-${DEVICE}`, "spool");
  const found = new Map<string, string>();
  for (const name of (await readdir(dir)).filter((file) => file.endsWith(".seg"))) {
    const bytes = await readFile(path.join(dir, name));
    for (const { offset, length } of scan(bytes).payloads) {
      const payload = bytes.subarray(offset, offset + length);
      const batch = nameOf(payload);
      if (batch !== undefined) found.set(batchKey(batch), jsonOf(payload));
    }
  }
  return found;
}

it("delivers after a kill all that it had taken before, under the boot that took it", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const observer = await Observer.connect(broker.url);
  const options = { broker: broker.url, device: DEVICE, data: dir.path };
  let agent = await startAgent(options);
  try {
    // Nobody acknowledges: everything stays on the disk.
    const before = await eventually(async () => {
      const held = await readSpool(dir.path);
      expect(held.size).toBeGreaterThan(10);
      return held;
    });
    await agent.stop("SIGKILL");
    const kept = await readSpool(dir.path);
    for (const key of before.keys()) expect(kept.has(key)).toBe(true);

    agent = await startAgent(options);
    observer.batches.length = 0;
    await observer.playIngest(true);
    await eventually(() => {
      const seen = new Set(observer.batches.map(({ stream, batch }) => batchKey({ ...batch, stream })));
      expect([...kept.keys()].filter((key) => !seen.has(key))).toEqual([]);
    });
    for (const { stream, batch } of observer.batches) {
      const payload = kept.get(batchKey({ ...batch, stream }));
      if (payload !== undefined) expect(batch).toEqual(decodeMessage("telemetry", Buffer.from(payload)));
    }
    // Numbers of a boot have no gaps, and those of the second begin anew.
    for (const boot of [1, 2]) {
      for (const stream of ["power", "system"] as const) {
        await eventually(() => {
          const own = observer.batches.filter((entry) => entry.stream === stream && entry.batch.boot === boot);
          const distinct = [...new Set(own.map(({ batch }) => batch.seq))].sort((a, b) => a - b);
          expect(distinct).toEqual(Array.from({ length: distinct.length }, (_, i) => i));
          expect(distinct.length).toBeGreaterThan(2);
        });
      }
    }
    await eventually(async () => {
      const held = await readSpool(dir.path);
      expect([...held.keys()].filter((key) => key.startsWith("1/"))).toEqual([]);
    });
  } finally {
    await agent.stop();
    await observer.close();
    await broker.stop();
  }
});

it("is alone in its data folder", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
  try {
    const args = ["--broker", broker.url, "--device", DEVICE, "--data", dir.path, "--log-level", "silent"];
    const second = await runCommand(new URL("../bin/edgewatt-agent.js", import.meta.url), args);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/in use by the agent with process id \d+: .*--data DIR/);
    await agent.stop("SIGKILL");
    await (await startAgent({ broker: broker.url, device: DEVICE, data: dir.path })).stop();
  } finally {
    await agent.stop();
    await broker.stop();
  }
});

it("says among its faults that its spool cannot be written, and that it can again", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const observer = await Observer.connect(broker.url);
  const spool = path.join(dir.path, `agent-${DEVICE}`, "spool");
  await mkdir(path.dirname(spool), { recursive: true });
  await writeFile(spool, "a file where a folder must be");
  const agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
  try {
    await eventually(() =>
      expect(observer.info.get(DEVICE)?.faults).toEqual([
        { code: "spool", message: expect.stringMatching(/cannot be kept on disk \(E\w+\) and is kept in memory/) },
      ]),
    );
    await rm(spool);
    await eventually(() => expect(observer.info.get(DEVICE)?.faults).toBeUndefined());
    expect((await readSpool(dir.path)).size).toBeGreaterThan(0);
  } finally {
    await agent.stop();
    await observer.close();
    await broker.stop();
  }
});

it("reports on its own pipeline, and says what a damaged spool has lost", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const observer = await Observer.connect(broker.url);
  const spool = path.join(dir.path, `agent-${DEVICE}`, "spool");
  await mkdir(spool, { recursive: true });
  await writeFile(path.join(spool, "0000000004.seg"), "no record at all");
  const agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
  try {
    expect(agent.stderr()).toMatch(/"bytes":16.*spool file is damaged/);
    const row = await eventually(() => {
      const found = observer.rows(DEVICE, "system").find(({ key }) => key === "pipeline");
      if (found === undefined) throw new RangeError("no row of the pipeline yet");
      return found.columns;
    });
    expect(row).toMatchObject({ service: "agent", id: DEVICE, device: DEVICE, acks: 0, dropped: 0, queue: 0 });
    expect(Number(row["batches"])).toBeGreaterThan(5);
    expect(Number(row["spoolBatches"])).toBeGreaterThan(5);
    expect(Number(row["spoolAgeS"])).toBeGreaterThan(5);
  } finally {
    await agent.stop();
    await observer.close();
    await broker.stop();
  }
});
