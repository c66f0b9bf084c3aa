import {
  type Command,
  decodeMessage,
  encodeMessage,
  formatTopic,
  type JobState,
  topicFilter,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { startBroker, type TestBroker } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onEach, runJob } from "../../src/client/jobs.ts";
import { readRuns } from "../../src/client/runs.ts";

const log = createLogger({ name: "test", level: "silent" });

type Answer = Pick<JobState, "state" | "result" | "reason">;

/** An agent as the command line sees it: it answers each command with the states that a test wants. */
async function answering(
  url: string,
  device: string,
  statesFor: (command: Command) => readonly Answer[],
): Promise<{ readonly commands: Command[]; close(): Promise<void> }> {
  const connection = await connectMqtt({ url, clientId: device, log, waitMs: 45_000 });
  const commands: Command[] = [];
  const answer = ({ job, op, rev }: Command, states: Answer): Promise<void> => {
    const topic = formatTopic({ kind: "jobState", device, job });
    const state = { v: 1 as const, job, op, rev, ts: Date.now(), boot: 1, attempt: 1, ...states };
    return connection.publish(topic, encodeMessage("jobState", state), { retain: true });
  };
  await connection.subscribe(topicFilter("command", { device }), ({ payload }) => {
    const command = decodeMessage("command", payload);
    commands.push(command);
    // The connection keeps the order of publishes.
    void Promise.all(statesFor(command).map((states) => answer(command, states)));
  });
  return { commands, close: () => connection.close() };
}

describe("a job", () => {
  let broker: TestBroker;
  let cli: MqttConnection;

  beforeAll(async () => {
    broker = await startBroker();
    cli = await connectMqtt({ url: broker.url, clientId: "cli-test", log, waitMs: 45_000 });
  });
  afterAll(async () => {
    await cli.close();
    await broker.stop();
  });

  const quantize = (device: string, signal = new AbortController().signal, onState?: () => void) =>
    runJob(cli, { device, op: "quantize", args: {}, ...(onState === undefined ? {} : { onState }) }, signal);

  it("is followed to its end; its command is retained and signed", async () => {
    const agent = await answering(broker.url, "pi-a", () => [
      { state: "accepted" },
      { state: "running" },
      { state: "succeeded", result: { model: "m" } },
    ]);
    const state = await quantize("pi-a");
    expect(state.result).toEqual({ model: "m" });
    const [command] = agent.commands;
    expect(command).toMatchObject({ v: 1, rev: 1, op: "quantize", cancel: false, timeoutS: 7200 });
    expect((command?.expiresAt ?? 0) - (command?.issuedAt ?? 0)).toBe(3_600_000);
    expect(command?.by).toMatch(/.@./);
    await agent.close();
    const [run] = await readRuns(cli);
    expect(run).toMatchObject({ job: command?.job, device: "pi-a", state: { state: "succeeded" } });
  });

  it.each([
    ["pi-r", "rejected", /quantize job \w+ on pi-r rejected: it is full \(busy\)/],
    ["pi-f", "failed", /on pi-f failed: it is full \(busy\)/],
    ["pi-t", "timed_out", /on pi-t timed out: it is full \(busy\)/],
  ] as const)("on %s that is %s gives the agent's reason", async (device, state, message) => {
    const agent = await answering(broker.url, device, () => [
      { state: "accepted" },
      { state, reason: { code: "busy", message: "it is full" } },
    ]);
    await expect(quantize(device)).rejects.toThrow(message);
    await agent.close();
  });

  it("that fails on one device is canceled on the others", async () => {
    const reason = { code: "busy", message: "it is full" };
    const failing = await answering(broker.url, "pi-1", () => [{ state: "failed", reason }]);
    const working = await answering(broker.url, "pi-2", ({ cancel }) => [{ state: cancel ? "canceled" : "running" }]);
    const never = new AbortController().signal;
    await expect(onEach(["pi-1", "pi-2"], never, quantize)).rejects.toThrow(/on pi-1 failed: it is full/);
    expect(working.commands.map(({ cancel }) => cancel)).toEqual([false, true]);
    await failing.close();
    await working.close();
  });

  it("is canceled by a new revision when the user interrupts", async () => {
    const agent = await answering(broker.url, "pi-c", ({ cancel }) => [{ state: cancel ? "canceled" : "running" }]);
    const interrupt = new AbortController();
    const running = quantize("pi-c", interrupt.signal, () => interrupt.abort());
    await expect(running).rejects.toMatchObject({
      code: "interrupted",
      message: expect.stringMatching(/^interrupted: job \w+ on pi-c was canceled$/),
    });
    const [first, second] = agent.commands;
    expect(second).toMatchObject({ job: first?.job, rev: 2, cancel: true });
    await agent.close();
  });
});
