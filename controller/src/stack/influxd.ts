import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "@edgewatt/runtime";
import getPort from "get-port";
import type { ChildSpec } from "./supervised-child.ts";

const LOOPBACK = "127.0.0.1";

/** Points in memory that wait to be written to a shard; influxd's own default is all the memory of a small Pi. */
const MAX_CACHE_BYTES = 256 * 1024 * 1024;

/** The first executable of that name on the PATH. */
export function findOnPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const dir of (env["PATH"] ?? "").split(path.delimiter)) {
    const candidate = path.join(dir, command);
    try {
      if (dir !== "") accessSync(candidate, constants.X_OK);
      else continue;
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** A small InfluxDB 1.x that listens on loopback alone and keeps everything in one folder. */
function configuration(dir: string, httpPort: number, backupPort: number): string {
  // The first line is for InfluxData's builds, the second for Debian's, which renamed the key.
  return `reporting-disabled = true
reporting-enabled = false
bind-address = "${LOOPBACK}:${backupPort}"

[meta]
dir = ${JSON.stringify(path.join(dir, "meta"))}

[data]
dir = ${JSON.stringify(path.join(dir, "data"))}
wal-dir = ${JSON.stringify(path.join(dir, "wal"))}
query-log-enabled = false
cache-max-memory-size = ${MAX_CACHE_BYTES}

[continuous_queries]
log-enabled = false

[monitor]
store-enabled = false

[subscriber]
enabled = false

[logging]
level = "warn"
suppress-logo = true

[http]
bind-address = "${LOOPBACK}:${httpPort}"
log-enabled = false
`;
}

/** How to run a private influxd, with its data in `DATA/influx`, behind a guard that does not outlive us. */
export async function privateInfluxd(influxd: string, dataDir: string): Promise<ChildSpec> {
  const dir = path.join(dataDir, "influx");
  await mkdir(dir, { recursive: true });
  const httpPort = await getPort({ host: LOOPBACK });
  const backupPort = await getPort({ host: LOOPBACK, exclude: [httpPort] });
  const configFile = path.join(dir, "influxdb.conf");
  await writeFileAtomic(configFile, configuration(dir, httpPort, backupPort));
  return {
    name: "influxd",
    script: fileURLToPath(new URL("../../dist/stack/influxd-guard.js", import.meta.url)),
    args: () => [influxd, configFile, `http://${LOOPBACK}:${httpPort}`, path.join(dir, "influxd.pid.json")],
    stopTimeoutMs: 15_000,
  };
}
