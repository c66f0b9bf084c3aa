import path from "node:path";
import { connectMqtt, type MqttConnection } from "@edgewatt/runtime";
import { nextBoot } from "./device/boot-counter.ts";
import { readBrokerMemory, type BrokerMemory } from "./device/broker-memory.ts";
import { untilDeviceFree } from "./device/other-agent.ts";
import { Presence } from "./device/presence.ts";
import type { AgentHome, HomeContext } from "./home.ts";

const CONNECT_WAIT_MS = 5000;

/** The agent as the broker knows it. */
export interface Joined {
  readonly mqtt: MqttConnection;
  readonly presence: Presence;
  /** Number of this start. */
  readonly boot: number;
  /** Jobs that the broker remembers, where the journal may have been lost. */
  readonly remembered: BrokerMemory["jobs"];
}

/** Connects under the device's name, with the number of this start. @throws {UnreachableError} when the broker is not there within 5 s */
export async function joinBroker(home: AgentHome, { config, log, clock, signal }: HomeContext): Promise<Joined> {
  const { device, broker: url, keepaliveS } = config;
  const connection = { url, clientId: device, log, keepaliveS, waitMs: CONNECT_WAIT_MS };
  const counter = path.join(home.folder, "boot");
  const { records, damaged } = home.jobs;
  const memory = await readBrokerMemory(device, {
    ...connection,
    signal,
    // What the journal does not know may have been lost with the disk.
    jobs: records.length === 0 || damaged.size > 0,
  });
  const boot = await nextBoot(counter, Math.max(memory.boot ?? 0, home.spool.newestBoot));
  const presence = new Presence({
    device,
    boot,
    clock,
    log,
    untilFree: (until) => untilDeviceFree(device, { ...connection, signal: until }),
    async nextBoot() {
      const { boot: remembered } = await readBrokerMemory(device, { ...connection, signal, jobs: false });
      return nextBoot(counter, remembered);
    },
  });
  const mqtt = await connectMqtt({
    ...connection,
    signal,
    will: () => presence.will(),
    beforeConnect: (until) => presence.beforeConnect(until),
  });
  return { mqtt, presence, boot, remembered: memory.jobs };
}
