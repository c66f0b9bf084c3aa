import { join } from "node:path";
import { spawnService, startBroker, tempDir } from "@edgewatt/testing";
import { ROOT } from "../paths.ts";
import type { Cleanup } from "../telemetry/cleanup.ts";

/** A broker and a hub as a user runs them, each a process. */
export interface LiveStack {
  readonly broker: string;
  readonly hub: string;
  readonly folder: string;
  readonly hubPid: number;
}

export async function startLiveStack(cleanup: Cleanup): Promise<LiveStack> {
  const folder = cleanup.add(await tempDir(), (dir) => dir[Symbol.asyncDispose]()).path;
  const broker = cleanup.add(await startBroker(), (started) => started.stop());
  const args = ["--broker", broker.url, "--http-port", "0", "--data", folder, "--log-level", "warn"];
  const hub = cleanup.add(await spawnService(join(ROOT, "hub/bin/edgewatt-hub.js"), args), (started) => started.stop());
  return { broker: broker.url, hub: hub.ready["hub"] as string, folder, hubPid: hub.child.pid ?? 0 };
}
