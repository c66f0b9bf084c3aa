import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { startProgram } from "./child.ts";
import { startOnFreePorts } from "./free-ports.ts";
import { installedCommand } from "./require-system.ts";
import { tempDir } from "./temp-dir.ts";

export interface TestMosquitto {
  /** `mqtt://127.0.0.1:PORT` */
  readonly url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Anonymous, and nothing outlives the process. */
export function mosquittoConfig(port: number, settings: readonly string[] = []): string {
  const always = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence false"];
  return [...always, "log_type error", "log_type warning", ...settings, ""].join("\n");
}

async function probe(port: number): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

/**
 * Debian's Mosquitto, anonymous and without persistence; on a free port unless `port` says which one. `settings` are further lines
 * of its configuration.
 */
export async function startMosquitto(
  options: { port?: number; settings?: readonly string[] } = {},
): Promise<TestMosquitto> {
  const command = installedCommand("mosquitto");
  const dir = await tempDir();
  const config = path.join(dir.path, "mosquitto.conf");
  const { child, ports: port } = await startOnFreePorts({
    name: "mosquitto",
    choose: async (freePort) => options.port ?? (await freePort()),
    start: async (chosen) => {
      await writeFile(config, mosquittoConfig(chosen, options.settings));
      return startProgram(command, ["-c", config]);
    },
    probe,
  });
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async stop(signal) {
      await child.stop(signal);
      await dir[Symbol.asyncDispose]();
    },
  };
}
