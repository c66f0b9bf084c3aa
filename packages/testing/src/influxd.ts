import { writeFile } from "node:fs/promises";
import path from "node:path";
import { startProgram } from "./child.ts";
import { TestingError } from "./errors.ts";
import { startOnFreePorts } from "./free-ports.ts";
import { installedCommand } from "./require-system.ts";
import { tempDir } from "./temp-dir.ts";

export interface TestInfluxd {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly dir: string;
  /** Ends it, and removes its folder unless that was given. */
  stop(): Promise<void>;
  /** kill -9; the folder stays until `stop`, so that another can be started on it. */
  kill(): Promise<void>;
}

/** Only what differs from the defaults of influxd 1.6. `bind-address` at the top is the RPC port for backups, which cannot be turned off. */
export function influxdConfig({ dir, http, rpc }: { dir: string; http: number; rpc: number }): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"

[meta]
  dir = ${JSON.stringify(path.join(dir, "meta"))}

[data]
  dir = ${JSON.stringify(path.join(dir, "data"))}
  wal-dir = ${JSON.stringify(path.join(dir, "wal"))}
  index-version = "tsi1"
  query-log-enabled = false

[monitor]
  store-enabled = false

[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false

[logging]
  level = "warn"
  suppress-logo = true
`;
}

async function probe({ http }: { http: number }): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${http}/ping`);
  if (status !== 204) throw new TestingError(`influxd answers /ping with ${status}`, { code: "not-ready" });
}

/** A private InfluxDB 1.x, empty unless `dir` names the folder of an earlier one; on a free port unless `port` says which one. */
export async function startInfluxd(options: { dir?: string; port?: number } = {}): Promise<TestInfluxd> {
  const command = installedCommand("influxd");
  const own = options.dir === undefined ? await tempDir() : undefined;
  const dir = options.dir ?? own?.path ?? "";
  const config = path.join(dir, "influxdb.conf");
  const { child, ports } = await startOnFreePorts({
    name: "influxd",
    choose: async (freePort) => ({ http: options.port ?? (await freePort()), rpc: await freePort() }),
    start: async (chosen) => {
      await writeFile(config, influxdConfig({ dir, ...chosen }));
      return startProgram(command, ["run", "-config", config]);
    },
    probe,
  });
  return {
    url: `http://127.0.0.1:${ports.http}`,
    dir,
    async stop() {
      await child.stop();
      await own?.[Symbol.asyncDispose]();
    },
    async kill() {
      await child.stop("SIGKILL");
    },
  };
}
