import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { withConnection } from "../client/broker.ts";
import { readPipeline } from "../client/pipeline.ts";
import type { Context } from "../context.ts";
import { CIFAR10 } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";
import { findOnPath } from "../stack/influxd.ts";
import { readStackFile } from "../stack/stack-file.ts";
import { type Check, fail, fromError, ok, warn } from "./check.ts";
import { checkPipeline } from "./pipeline.ts";

export interface ServiceOptions extends BrokerOption, DatasetsOption {
  readonly influx?: string;
}

const PING_TIMEOUT_MS = 3_000;

/** Whether the data folder can be used, or made where there is none yet: to look creates nothing. */
export async function checkData({ cwd }: Context, { data }: ServiceOptions): Promise<Check> {
  const name = "data folder";
  const dir = path.resolve(cwd, data);
  try {
    const there = await nearestThere(dir);
    if (!(await stat(there)).isDirectory()) return fail(name, `${there} is no folder`, "name another with --data");
    await access(there, constants.W_OK | constants.X_OK);
    return ok(name, there === dir ? dir : `${dir}, which the first start creates`);
  } catch (error) {
    return fail(name, `${dir} cannot be written (${systemErrorCode(error)})`, "make it writable or pass --data DIR");
  }
}

/** The path itself or the nearest one above it that exists. */
async function nearestThere(dir: string): Promise<string> {
  try {
    await stat(dir);
    return dir;
  } catch (error) {
    const parent = path.dirname(dir);
    if (systemErrorCode(error) !== "ENOENT" || parent === dir) throw error;
    return nearestThere(parent);
  }
}

export async function checkDataset(context: Context, options: ServiceOptions): Promise<Check> {
  const dataset = await findDataset(CIFAR10.name, searchPath(context, options));
  return dataset === undefined
    ? warn(
        "data set",
        `${CIFAR10.name} is not here, so accuracy cannot be measured`,
        `edgewatt datasets fetch ${CIFAR10.name}`,
      )
    : ok("data set", dataset.path);
}

/** The broker, and what it knows of telemetry on its way. */
export async function checkBroker(context: Context, options: ServiceOptions): Promise<Check[]> {
  try {
    return await withConnection(context, options, async (connection) => [
      ok("broker", "answers"),
      ...checkPipeline(await readPipeline(connection, context.signal)),
    ]);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return [fromError("broker", options.broker === undefined ? "warn" : "fail", error)];
  }
}

export function checkInfluxd(env: NodeJS.ProcessEnv): Check {
  const influxd = findOnPath("influxd", env);
  return influxd === undefined
    ? warn("influxd", "not on the PATH, so telemetry goes to files", "on Debian: sudo apt-get install influxdb")
    : ok("influxd", influxd);
}

/** The database that is named, or that of the running stack. */
export async function checkDatabase(context: Context, options: ServiceOptions): Promise<Check> {
  const stack = await readStackFile(path.resolve(context.cwd, options.data));
  const url = options.influx ?? stack?.influx ?? undefined;
  if (url === undefined) return ok("database", "none is running or named");
  try {
    const response = await fetch(new URL("/ping", url), { signal: AbortSignal.timeout(PING_TIMEOUT_MS) });
    if (response.ok) return ok("database", `${url} answers`);
    return fail("database", `${url} answers ${response.status}`, "check its log");
  } catch {
    // Why does not matter: there is one thing to do.
    return fail("database", `${url} does not answer`, "start it or name another with --influx");
  }
}
