import { type SpawnedService, spawnService, startBroker, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { edgewattJson, type Place } from "../edgewatt.ts";

const AGENT = new URL("../../edge-agent/bin/edgewatt-agent.js", import.meta.url);

const stops: (() => PromiseLike<unknown>)[] = [];
let place: Place;
let agent: SpawnedService;

beforeAll(async () => {
  const dir = await tempDir();
  stops.push(() => dir[Symbol.asyncDispose]());
  const broker = await startBroker();
  stops.push(() => broker.stop());
  place = { dir: dir.path, env: { EDGEWATT_BROKER: broker.url } };
  agent = await spawnService(AGENT, ["--broker", broker.url, "--device", "pi-1", "--data", dir.path]);
  stops.push(() => agent.stop("SIGKILL"));
});
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function presence(): Promise<string | undefined> {
  const { devices } = await edgewattJson<{ devices: { id: string; presence: string }[] }>(place, ["devices"]);
  return devices.find(({ id }) => id === "pi-1")?.presence;
}

it("an agent that hangs is stale, is online again when it goes on, and offline when it has ended", async () => {
  expect(await presence()).toBe("online");
  agent.child.kill("SIGSTOP");
  // Its connection stands: the broker notices nothing for a minute and a half.
  expect(await presence()).toBe("stale");
  agent.child.kill("SIGCONT");
  expect(await presence()).toBe("online");
  await agent.stop();
  expect(await presence()).toBe("offline");
});
