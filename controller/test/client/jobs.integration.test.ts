import { cancellationOf, type Command, encodeMessage, formatTopic, type JobState } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { eventually, startBroker, type TestBroker } from "@edgewatt/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { author, PublishedCommand } from "../../src/client/command.ts";
import { onEach, runJob } from "../../src/client/jobs.ts";
import { collectRetained } from "../../src/client/retained.ts";
import { readRuns } from "../../src/client/runs.ts";
import { exitCodeFor } from "../../src/errors.ts";
import { answering } from "./answering-agent.ts";

const log = createLogger({ name: "test", level: "silent" });

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

  it("is followed by its newest state, in whatever order they come", async () => {
    const agent = await answering(broker.url, "pi-o", () => [
      { state: "running", progress: 0.5 },
      { state: "accepted" },
      { state: "running", progress: 0.2 },
      { state: "succeeded" },
      { state: "running", progress: 0.9 },
    ]);
    const seen: string[] = [];
    const onState = ({ state, progress }: JobState): void => void seen.push(`${state} ${progress ?? ""}`);
    const never = new AbortController().signal;
    const end = await runJob(cli, { device: "pi-o", op: "quantize", args: {}, onState }, never);
    expect(end.state).toBe("succeeded");
    await eventually(() => expect(seen).toEqual(["running 0.5", "succeeded "]));
    await agent.close();
  });

  it("ends for its author when another controller cancels it", async () => {
    const agent = await answering(broker.url, "pi-x", ({ cancel, by }) => [
      cancel
        ? { state: "canceled", reason: { code: "canceled", message: `canceled by ${by}` } }
        : { state: "running", progress: 0 },
    ]);
    const other = await connectMqtt({ url: broker.url, clientId: "cli-other", log, waitMs: 45_000 });
    const failure = quantize("pi-x").catch((error: unknown) => error);
    const [command] = await eventually(() => {
      expect(agent.commands).toHaveLength(1);
      return agent.commands;
    });
    const cancellation = cancellationOf(command as Command, author());
    (await PublishedCommand.publish(other, "pi-x", cancellation)).stop();
    expect(await failure).toMatchObject({ code: "job-canceled" });
    await other.close();
    await agent.close();
  });

  describe("that no agent takes", () => {
    afterEach(() => void vi.useRealTimers());

    it("expires for its author, who takes it back in case an agent comes that does not know the time", async () => {
      const failure = quantize("pi-gone").catch((error: unknown) => error);
      await eventually(async () => {
        expect((await collectRetained(cli, ["command"], { device: "pi-gone" })).command).toHaveLength(1);
      });
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_601_000 });
      expect(await failure).toMatchObject({
        code: "expired",
        message: expect.stringMatching(/pi-gone has not taken it; check that its agent runs/) as string,
      });
      const { command } = await collectRetained(cli, ["command"], { device: "pi-gone" });
      expect(command.map(({ message }) => [message.rev, message.cancel])).toEqual([[2, true]]);
    });
  });
});

describe("a device that is gone", () => {
  let broker: TestBroker;
  let cli: MqttConnection;
  let agent: Awaited<ReturnType<typeof answering>>;
  let messages: string[];

  const tell = (state: "online" | "offline", conn: number): Promise<void> =>
    cli.publish(
      formatTopic({ kind: "status", device: "pi-g" }),
      encodeMessage("status", { v: 1, state, boot: 1, conn, ts: Date.now() }),
      { retain: true },
    );
  const start = (timeoutS: number) =>
    runJob(
      cli,
      { device: "pi-g", op: "quantize", args: {}, timeoutS, onMessage: (_level, text) => void messages.push(text) },
      new AbortController().signal,
    ).catch((error: unknown) => error);

  beforeEach(async () => {
    broker = await startBroker();
    cli = await connectMqtt({ url: broker.url, clientId: "cli-test", log, waitMs: 45_000 });
    messages = [];
    await tell("online", 2);
    agent = await answering(broker.url, "pi-g", ({ cancel }) => (cancel ? [] : [{ state: "running" }]));
  });
  afterEach(async () => {
    await agent.close();
    await cli.close();
    await broker.stop();
  });

  it("for longer than its job may take ends the command as unreachable, and the job is taken back", async () => {
    const failure = start(1);
    await eventually(() => expect(agent.commands).toHaveLength(1));
    await tell("offline", 2);
    const error = await failure;
    expect(error).toMatchObject({ code: "device-gone", message: expect.stringMatching(/^pi-g has been gone for/) });
    expect(exitCodeFor(error)).toBe(3);
    expect(messages).toEqual(["offline (no reason given); the job waits until it is back"]);
    await eventually(() => expect(agent.commands.map(({ cancel }) => cancel)).toEqual([false, true]));
  });

  it("behind a broker that is gone is given up as well", async () => {
    const failure = start(1);
    await eventually(() => expect(agent.commands).toHaveLength(1));
    await broker.stop("SIGKILL");
    expect(await failure).toMatchObject({ code: "device-gone" });
  });

  it("by a late will of an earlier connection is there, and one that is back in time is waited for", async () => {
    let isEnded = false;
    const ended = start(6).finally(() => (isEnded = true));
    await eventually(() => expect(agent.commands).toHaveLength(1));
    await tell("offline", 1);
    for (const conn of [3, 4]) {
      await tell("offline", conn);
      await eventually(() => expect(messages).toHaveLength(conn - 2));
      await new Promise((resolve) => setTimeout(resolve, 3500));
      await tell("online", conn + 1);
    }
    expect(isEnded).toBe(false);
    await agent.close();
    agent = await answering(broker.url, "pi-g", () => [{ state: "succeeded" }]);
    expect(await ended).toMatchObject({ state: "succeeded" });
  });
});

describe("a broker that is killed and forgets everything, with no hub beside it", () => {
  it("costs a job nothing: its command comes again from its author, and its end from its device", async () => {
    const first = await startBroker();
    const port = Number(new URL(first.url).port);
    const cli = await connectMqtt({ url: first.url, clientId: "cli-test", log, waitMs: 45_000 });
    const states = await answering(first.url, "pi-k", () => [{ state: "running" }]);
    const never = new AbortController().signal;
    const running = runJob(cli, { device: "pi-k", op: "quantize", args: {} }, never);
    await eventually(() => expect(states.commands).toHaveLength(1));
    await first.stop("SIGKILL");
    await states.close();
    const second = await startBroker({ mqttPort: port });
    // The device heard of the end of its job while nobody listened, and tells it again when it is asked again.
    const back = await answering(second.url, "pi-k", () => [{ state: "succeeded" }]);
    expect((await running).state).toBe("succeeded");
    expect(back.commands[0]).toEqual(states.commands[0]);
    await back.close();
    await cli.close();
    await second.stop();
  });

  it("gets the cancellation when it is back", async () => {
    const first = await startBroker();
    const port = Number(new URL(first.url).port);
    const cli = await connectMqtt({ url: first.url, clientId: "cli-test", log, waitMs: 45_000 });
    const before = await answering(first.url, "pi-k", () => [{ state: "running" }]);
    const interrupt = new AbortController();
    const running = runJob(cli, { device: "pi-k", op: "quantize", args: {} }, interrupt.signal);
    const failure = running.catch((error: unknown) => error);
    await eventually(() => expect(before.commands).toHaveLength(1));
    await first.stop("SIGKILL");
    await before.close();
    await eventually(() => expect(cli.connected).toBe(false));
    interrupt.abort();
    const second = await startBroker({ mqttPort: port });
    const after = await answering(second.url, "pi-k", ({ cancel }) => [{ state: cancel ? "canceled" : "running" }]);
    expect(await failure).toMatchObject({ code: "interrupted" });
    expect(after.commands.map(({ rev, cancel }) => [rev, cancel])).toEqual([[2, true]]);
    await after.close();
    await cli.close();
    await second.stop();
  });
});
