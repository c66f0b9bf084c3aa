import { setImmediate as nextTurn } from "node:timers/promises";
import { isTerminal, MAX_QUEUED_JOBS } from "@edgewatt/protocol";
import { tempDir } from "@edgewatt/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobWorld, openRecords } from "./job-world.ts";

/** A thing that happens; `turns` of the event loop pass before the next one, so that they meet in all stages. */
type Step = fc.AsyncCommand<object, JobWorld>;

function step(name: string, turns: number, run: (world: JobWorld) => Promise<void> | void): Step {
  return {
    check: () => true,
    async run(_model, world) {
      await run(world);
      for (let i = 0; i < turns; i++) await nextTurn();
      await world.revive();
      if (world.witness.violations.length > 0) throw world.witness.violations[0];
    },
    toString: () => name,
  };
}

const turns = fc.integer({ min: 0, max: 6 });
const pick = fc.nat(1000);

const steps: fc.Arbitrary<Step>[] = [
  turns.map((n) => step("order", n, (world) => world.order({}))),
  turns.map((n) => step("order", n, (world) => world.order({}))),
  turns.map((n) => step("order what has expired", n, (world) => world.order({ expiresAt: 1 }))),
  turns.map((n) => step("order the impossible", n, (world) => world.order({ op: "prune" }))),
  fc.tuple(turns, pick).map(([n, i]) =>
    step(`cancel ${i}`, n, (world) => {
      const command = [...world.commands.values()][i % Math.max(1, world.commands.size)];
      if (command !== undefined) world.publish({ ...command, rev: command.rev + 1, cancel: true });
    }),
  ),
  ...[0, 1, 2].map(() =>
    fc
      .tuple(turns, pick)
      .map(([n, i]) => step(`deliver ${i}`, n, (world) => void (world.wire.length > 0 && world.deliver(i)))),
  ),
  fc.tuple(turns, pick).map(([n, i]) =>
    step(`deliver ${i} again`, n, (world) => {
      const command = world.sent[i % Math.max(1, world.sent.length)];
      if (command !== undefined) world.wire.push(command);
    }),
  ),
  fc.tuple(turns, pick).map(([n, i]) => step(`lose ${i}`, n, (world) => void world.wire.splice(i % 7, 1))),
  turns.map((n) => step("succeed", n, (world) => world.running?.succeed())),
  turns.map((n) => step("succeed", n, (world) => world.running?.succeed())),
  turns.map((n) => step("fail", n, (world) => world.running?.fail())),
  fc
    .tuple(turns, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([n, share]) => step(`progress ${share}`, n, (world) => world.running?.progress(share))),
  fc
    .tuple(turns, fc.constantFrom("down" as const, "acks lost" as const))
    .map(([n, how]) => step(`link ${how}`, n, (world) => world.disconnect(how))),
  fc
    .tuple(turns, fc.boolean())
    .map(([n, brokerForgot]) =>
      step(`connect${brokerForgot ? " to a broker that forgot" : ""}`, n, (world) => world.connect({ brokerForgot })),
    ),
  fc
    .tuple(turns, fc.nat(4), fc.boolean())
    .map(([n, writes, before]) =>
      step(`crash ${before ? "before" : "after"} write ${writes}`, n, (world) => world.crash({ writes, before })),
    ),
  turns.map((n) => step("restart", n, (world) => world.restart())),
  turns.map((n) => step("clock", n, (world) => void (world.synchronized = !world.synchronized))),
  fc.constant(step("quiet", 0, checkQueue)),
];

/** What the broker shows of the queue when nothing is under way. */
async function checkQueue(world: JobWorld): Promise<void> {
  await world.quiet();
  const open = openRecords(await world.journaled());
  const accepted = open.filter(({ state }) => state.state === "accepted");
  expect(accepted.length).toBeLessThanOrEqual(MAX_QUEUED_JOBS);
  expect(open.filter(({ state }) => state.state === "running").length).toBe(world.running === undefined ? 0 : 1);
  world.connect({ brokerForgot: false });
  await world.quiet();
  const waiting = openRecords(await world.journaled()).filter(({ state }) => state.state === "accepted");
  const positions = waiting.map(({ command }) => world.retained.get(command.job)?.position);
  expect(positions).toEqual(waiting.map((_, index) => index + 1));
}

describe("the job protocol", () => {
  it("holds through crashes, lost, doubled and reordered messages, and a broker that forgets", async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: "max" }), async (commands) => {
        await using dir = await tempDir();
        const world = await JobWorld.create(dir.path);
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await world.end();
        expect(world.witness.violations).toEqual([]);
        const records = await world.journaled();
        // Every job that was ordered came to an end, told and on disk alike, and only one that was really tried has a result.
        expect(records.map(({ command }) => command.job).toSorted()).toEqual([...world.commands.keys()].toSorted());
        for (const { command, state } of records) {
          expect(isTerminal(state.state)).toBe(true);
          expect(world.retained.get(command.job)).toEqual(state);
          // An attempt counts from the moment it is on disk, so that a crash cannot hide one.
          const starts = world.witness.startsOf(command.job);
          expect(starts).toBeLessThanOrEqual(state.attempt);
          if (state.state === "succeeded") expect(starts).toBeGreaterThan(0);
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    );
  });
});
