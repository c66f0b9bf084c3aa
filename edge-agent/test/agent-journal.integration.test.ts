import { rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { topicFilter } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import {
  eventually,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEPT_JOBS } from "../src/jobs/retention.ts";
import { command, Observer, startAgent } from "./agent-rig.ts";

const DEVICE = "pi-1";
/** Is rejected at once. */
const impossible = (job: string) => command(job, {}, { op: "prune" });

let dir: TempDir;
let broker: TestBroker;
let observer: Observer;
let agent: SpawnedService;
beforeEach(async () => {
  dir = await tempDir();
  broker = await startBroker();
  observer = await Observer.connect(broker.url);
  agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
});
afterEach(async () => {
  await agent.stop("SIGKILL");
  await observer.close();
  await broker.stop();
  await dir[Symbol.asyncDispose]();
});

/** The jobs of which the broker keeps a command, and those of which it keeps a state. */
async function kept(): Promise<{ commands: number; states: number }> {
  const log = createLogger({ name: "test", level: "silent" });
  const connection = await connectMqtt({ url: broker.url, clientId: "kept", log, waitMs: 45_000 });
  try {
    const count = { commands: 0, states: 0 };
    const add = (what: keyof typeof count) => () => (count[what] += 1);
    await connection.subscribe(topicFilter("command", { device: DEVICE }), add("commands"));
    await connection.subscribe(topicFilter("jobState", { device: DEVICE }), add("states"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    return count;
  } finally {
    await connection.close();
  }
}

describe("an agent", () => {
  it("lets the broker forget jobs that ended long ago, and keeps the newest", async () => {
    const jobs = Array.from({ length: KEPT_JOBS + 7 }, (_, i) => `J${i}`);
    for (const job of jobs) await observer.send(DEVICE, impossible(job));
    await observer.reach(jobs.at(-1) ?? "", "rejected");
    await eventually(async () => expect(await kept()).toEqual({ commands: KEPT_JOBS, states: KEPT_JOBS }));
    // All that the broker still has comes again, and nothing of it is taken for new.
    await agent.stop();
    agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
    await observer.send(DEVICE, impossible("J0"));
    await eventually(async () => expect(await kept()).toEqual({ commands: KEPT_JOBS, states: KEPT_JOBS }));
  });

  it("says for all to see that it cannot journal jobs, and when that is over", async () => {
    const jobs = path.join(dir.path, `agent-${DEVICE}`, "jobs");
    await rename(jobs, `${jobs}.away`);
    await symlink("/proc/self/fdinfo", jobs);
    await observer.send(DEVICE, impossible("A"));
    await eventually(() => {
      expect(observer.info.get(DEVICE)?.faults).toEqual([
        { code: "journal", message: expect.stringMatching(/cannot be written.*jobs wait until it can/) as string },
      ]);
    });
    expect(observer.stateOf("A")).toBeUndefined();
    await rm(jobs);
    await rename(`${jobs}.away`, jobs);
    await observer.reach("A", "rejected");
    await eventually(() => expect(observer.info.get(DEVICE)?.faults).toBeUndefined());
  });
});
