import type { ChildProcess } from "node:child_process";
import type { ChildEnd } from "./child.ts";
import { spawnService } from "./services.ts";

export interface TestBroker {
  /** `mqtt://127.0.0.1:PORT` */
  readonly url: string;
  /** `ws://127.0.0.1:PORT` */
  readonly wsUrl: string;
  readonly child: ChildProcess;
  readonly stop: (signal?: NodeJS.Signals) => Promise<ChildEnd>;
}

const BIN = new URL("../../../broker/bin/edgewatt-broker.js", import.meta.url);

/** Our own broker as a real process; on free ports unless `mqttPort` says which one, as after a restart. */
export async function startBroker(options: { mqttPort?: number } = {}): Promise<TestBroker> {
  const { mqttPort = 0 } = options;
  const { ready, child, stop } = await spawnService(BIN, [
    "--mqtt-port",
    String(mqttPort),
    "--ws-port",
    "0",
    "--log-level",
    "warn",
  ]);
  return { url: ready["mqtt"], wsUrl: ready["ws"], child, stop };
}
