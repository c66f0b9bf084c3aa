import {
  type Command,
  decodeMessage,
  encodeMessage,
  formatTopic,
  type JobStateName,
  topicFilter,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { startBroker, type TempDir, tempDir, type TestBroker } from "@edgewatt/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runHere } from "../run-app.ts";

const RETAINED = { qos: 1, retain: true } as const;

let broker: TestBroker;
let mqtt: MqttConnection;
let dir: TempDir;

beforeAll(async () => {
  broker = await startBroker();
  const log = createLogger({ name: "test", level: "silent" });
  mqtt = await connectMqtt({ url: broker.url, clientId: "test", log, waitMs: 45_000 });
  dir = await tempDir();
});
afterAll(async () => {
  await mqtt.close();
  await broker.stop();
  await dir[Symbol.asyncDispose]();
});

const run = (...args: string[]) => runHere([...args, "--broker", broker.url], { cwd: dir.path });

/** What author and agent of a job have left at the broker. */
async function leave(job: string, { cancel, state }: { cancel: boolean; state?: JobStateName }): Promise<void> {
  const common = { v: 1, job, op: "quantize", rev: cancel ? 2 : 1 } as const;
  const now = Date.now();
  const times = { issuedAt: now, expiresAt: now + 3_600_000, timeoutS: 60 };
  const command = encodeMessage("command", { ...common, ...times, cancel, by: "test", args: {} });
  await mqtt.publish(formatTopic({ kind: "command", device: "pi-1", op: "quantize", job }), command, RETAINED);
  if (state === undefined) return;
  const told = encodeMessage("jobState", { ...common, state, ts: now, boot: 1, attempt: 1 });
  await mqtt.publish(formatTopic({ kind: "jobState", device: "pi-1", job }), told, RETAINED);
}

it("says of a job that was canceled whether its device has confirmed it", async () => {
  await leave("JOB-1", { cancel: false });
  await leave("JOB-2", { cancel: true });
  await leave("JOB-3", { cancel: true, state: "running" });
  await leave("JOB-4", { cancel: true, state: "canceled" });
  await leave("JOB-5", { cancel: true, state: "succeeded" });
  const { stdout } = await run("runs");
  const states = new Map(stdout.split("\n").map((line) => [line.split(/ +/)[0], line.split(/ +/)[3]]));
  expect(["JOB-1", "JOB-2", "JOB-3", "JOB-4", "JOB-5"].map((job) => states.get(job))).toEqual([
    "waiting",
    "canceled",
    "canceling",
    "canceled",
    "succeeded",
  ]);
});

it("leaves a job alone that has ended", async () => {
  const commands: Command[] = [];
  await leave("JOB-6", { cancel: false, state: "failed" });
  await mqtt.subscribe(topicFilter("command", { device: "pi-1", job: "JOB-6" }), ({ payload }) => {
    commands.push(decodeMessage("command", payload));
  });
  expect(await run("cancel", "JOB-6")).toEqual({
    exitCode: 0,
    stdout: "JOB-6 had ended already: failed\n",
    stderr: "",
  });
  expect(JSON.parse((await run("cancel", "JOB-6", "--json")).stdout)).toEqual({
    job: "JOB-6",
    device: "pi-1",
    state: "failed",
    hadEnded: true,
  });
  expect(commands.map(({ rev }) => rev)).toEqual([1]);
});
