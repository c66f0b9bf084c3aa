import path from "node:path";
import { isDeviceId } from "@edgewatt/protocol";
import { dataDir, EXIT, lockFolder } from "@edgewatt/runtime";
import { ChildError, UsageError } from "../errors.ts";
import { type AppName, binOf } from "./bins.ts";
import { findOnPath, privateInfluxd } from "./influxd.ts";
import { setUpPrivateRetention } from "./private-retention.ts";
import { removeStackFile, type StackReady, writeStackFile } from "./stack-file.ts";
import { type ChildEvents, type ChildSpec, type Ready, SupervisedChild } from "./supervised-child.ts";

/** What a user may say of any stack; what is left open is up to the configuration file and the services. */
export interface StackFlags {
  readonly data: string;
  readonly config?: string;
  readonly influx?: string;
  /** How long a private influxd keeps points, and means over 1 s and 1 min, s; 0 is forever. */
  readonly raw?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly device?: string;
  /** Folder that holds data sets, for the hub to hand out; `DATA/datasets` is looked into as well. */
  readonly datasets?: string;
  readonly logLevel: string;
}

/** Where a stack listens. */
export interface StackAddresses {
  readonly listen?: string;
  readonly insecure?: boolean;
  readonly mqttPort?: number;
  readonly wsPort?: number;
  readonly httpPort?: number;
  /** Of the broker; hub, ingest and agent take the three after it, or each a free one when it is 0. */
  readonly metricsPort?: number;
}

export interface StackEvents extends ChildEvents {
  /** What the stack itself has to tell. */
  readonly onNote: (message: string) => void;
}

export interface StackOptions extends StackFlags, StackAddresses {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly events: StackEvents;
  readonly signal: AbortSignal;
}

/** A stack that runs: broker, ingest, hub, one agent, and a database when there is one. */
export interface Stack extends AsyncDisposable {
  readonly ready: StackReady;
  /** Ends all parts, the agent first, so that its last telemetry still finds everything behind it. */
  stop(): Promise<void>;
}

/** An agent has measured windows to end and telemetry to drain. */
const AGENT_STOP_MS = 20_000;
const SERVICE_STOP_MS = 15_000;

/** @throws {ChildError} when the part did not say that */
function announced(ready: Ready | undefined, key: string): string {
  const value = ready?.[key];
  if (typeof value === "string") return value;
  throw new ChildError(`a part of the stack is ready but did not say its ${key}: install edgewatt again`, EXIT.failed, {
    ready,
  });
}

/** The port that the first start took, so that a restart is found at the same place. */
function portFlag(flag: string, asked: number | undefined, previous: unknown): string[] {
  const port = typeof previous === "string" ? new URL(previous).port : asked;
  return port === undefined ? [] : [flag, String(port)];
}

/** In the order of their ports. */
const OBSERVED = ["broker", "hub", "ingest", "agent"] as const satisfies readonly AppName[];
type Observed = (typeof OBSERVED)[number];

function metricsFlag(name: Observed, first: number | undefined, previous: unknown): string[] {
  const asked = first === undefined || first === 0 ? first : first + OBSERVED.indexOf(name);
  return portFlag("--metrics-port", asked, previous);
}

function checkDevice(asked: string | undefined): void {
  if (asked === undefined || isDeviceId(asked)) return;
  throw new UsageError(
    `--device ${asked}: a device id is 2 to 40 of a-z, 0-9 and -, and begins with a letter or digit`,
  );
}

/**
 * Starts all parts on a data folder and writes its `stack.json`.
 * @throws what keeps a part from starting; everything that was started by then is stopped again
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  checkDevice(options.device);
  const data = await dataDir(path.resolve(options.cwd, options.data));
  const lock = await lockFolder(data, "stack");
  // In the order of starting; ended in reverse.
  const tiers: SupervisedChild[][] = [];

  const stop = async (): Promise<void> => {
    await removeStackFile(data);
    for (const tier of tiers.splice(0).toReversed()) await Promise.all(tier.map((child) => child.stop()));
    await lock.release();
  };
  const start = async (...specs: readonly ChildSpec[]): Promise<Ready[]> => {
    options.signal.throwIfAborted();
    const tier: SupervisedChild[] = [];
    tiers.push(tier);
    const started = await Promise.allSettled(
      specs.map(async (spec) => {
        const child = await SupervisedChild.start(spec, options.events, options.signal);
        tier.push(child);
        return child.ready;
      }),
    );
    options.signal.throwIfAborted();
    const failed = started.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  };

  try {
    const ready = await startParts(options, { data, start });
    await writeStackFile(ready);
    return { ready, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: StackOptions,
  { data, start }: { data: string; start: (...specs: ChildSpec[]) => Promise<Ready[]> },
): Promise<StackReady> {
  const common = ["--json", "--log-level", options.logLevel];
  if (options.config !== undefined) common.push("--config", path.resolve(options.cwd, options.config));
  const reach = options.listen === undefined ? [] : ["--listen", options.listen];
  if (options.insecure !== undefined) reach.push(options.insecure ? "--insecure" : "--no-insecure");
  const service = (
    name: Observed,
    stopTimeoutMs: number,
    args: (previous: Ready | undefined) => string[],
  ): ChildSpec => ({
    name,
    script: binOf(name),
    args: (previous) => [
      ...common,
      ...reach,
      ...metricsFlag(name, options.metricsPort, previous?.["metrics"]),
      ...args(previous),
    ],
    stopTimeoutMs,
  });

  const influxd = options.influx === undefined ? findOnPath("influxd", options.env) : undefined;
  const [database] = influxd === undefined ? [] : await start(await privateInfluxd(influxd, data));
  const influx = database === undefined ? options.influx : announced(database, "influx");

  const { raw, seconds, minutes } = options;
  if (database === undefined && (raw ?? seconds ?? minutes) !== undefined) {
    const where = influx === undefined ? "and there is none on the PATH" : `which ${influx} is not`;
    options.events.onNote(
      `--raw, --seconds and --minutes are for a private influxd, ${where}: they are left out; see \`edgewatt database setup\``,
    );
  }
  if (database !== undefined && influx !== undefined) {
    await setUpPrivateRetention(influx, { raw, seconds, minutes }, options.events.onNote);
  }

  const [broker] = await start(
    service("broker", SERVICE_STOP_MS, (previous) => [
      ...portFlag("--mqtt-port", options.mqttPort, previous?.["mqtt"]),
      ...portFlag("--ws-port", options.wsPort, previous?.["ws"]),
    ]),
  );
  const mqtt = announced(broker, "mqtt");
  const ws = broker?.["ws"];
  const behindBroker = ["--broker", mqtt, "--data", data];

  const [hub, ingest] = await start(
    service("hub", SERVICE_STOP_MS, (previous) => [
      ...behindBroker,
      ...portFlag("--http-port", options.httpPort, previous?.["hub"]),
      ...(options.datasets === undefined ? [] : ["--datasets", path.resolve(options.cwd, options.datasets)]),
    ]),
    service("ingest", SERVICE_STOP_MS, () => [...behindBroker, ...(influx === undefined ? [] : ["--influx", influx])]),
  );
  const named = options.device === undefined ? [] : ["--device", options.device];
  const [agent] = await start(service("agent", AGENT_STOP_MS, () => [...behindBroker, ...named]));

  return {
    mqtt,
    ...(typeof ws === "string" ? { ws } : {}),
    hub: announced(hub, "hub"),
    influx: influx ?? null,
    data,
    device: announced(agent, "device"),
    ...metricsOf({ broker, hub, ingest, agent }),
  };
}

/** Where the parts show their metrics; nothing when none does. */
function metricsOf(parts: Readonly<Record<Observed, Ready | undefined>>): Pick<StackReady, "metrics"> {
  const urls = OBSERVED.flatMap((name) => {
    const url = parts[name]?.["metrics"];
    return typeof url === "string" ? [[name, url] as const] : [];
  });
  return urls.length === 0 ? {} : { metrics: Object.fromEntries(urls) };
}
