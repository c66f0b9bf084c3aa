import type { z } from "zod";
import { EdgewattError } from "@edgewatt/protocol";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { listenConfig } from "./common-config.ts";
import { loadConfig } from "./config.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { helpText } from "./help-text.ts";
import type { Logger, LogLevel } from "./logger.ts";
import { createLogger } from "./logger.ts";
import { isLoopback, listenAddress } from "./listen.ts";
import { MetricsPort } from "./metrics-port.ts";
import type { Observation } from "./metrics.ts";
import { listenForStop } from "./stop-signals.ts";

/** A service that has started. */
export interface RunningService {
  /** What others need to reach it; printed once, with `ready: true` before it. */
  readonly ready: Record<string, unknown>;
  /** Ends everything that was started, in reverse order. */
  stop(): Promise<void>;
  /** Rejects when the service can no longer do its work; the process then stops and exits with the error's code. */
  readonly failed?: Promise<never>;
  /** What `--metrics-port` shows, where the schema has `listenConfig`. */
  readonly observation?: Observation;
}

export interface ServiceContext<C> {
  readonly config: C;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the process is asked to end, before `stop` is called. */
  readonly signal: AbortSignal;
}

export interface ServiceDefinition<S extends z.ZodObject> {
  /** Name of the service: its section in the configuration file. */
  readonly name: string;
  readonly summary: string;
  /** A strict object with at least `logLevel` and `json` of `commonConfig`. */
  readonly schema: S;
  readonly start: (context: ServiceContext<z.output<S>>) => Promise<RunningService>;
  /** An orderly stop that takes longer ends the process with exit code 1; default 15,000. */
  readonly stopTimeoutMs?: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 15_000;

function report(name: string, error: unknown, log?: Logger): void {
  if (error instanceof EdgewattError) {
    for (const line of error.message.split("\n")) process.stderr.write(`edgewatt ${name}: ${line}\n`);
  } else if (log) {
    log.fatal({ err: error }, "unexpected error");
  } else {
    process.stderr.write(
      `edgewatt ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}

function announce(name: string, ready: Record<string, unknown>, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ready: true, ...ready })}\n`);
    return;
  }
  const parts = Object.entries(ready).filter(([, value]) => value !== null && value !== undefined);
  process.stderr.write(
    `edgewatt ${name} is ready: ${parts.map(([key, value]) => `${key} ${String(value)}`).join(", ")}\n`,
  );
}

/** @throws {ConfigError} for an address that nobody allowed @throws {RuntimeError} for a port that cannot be had */
async function openMetricsPort(service: string, config: object, log: Logger): Promise<MetricsPort | undefined> {
  const { metricsPort: port, listen, insecure = false } = config as Partial<z.output<z.ZodObject<typeof listenConfig>>>;
  if (port === undefined || listen === undefined) return undefined;
  const host = listenAddress({ listen, insecure });
  if (!isLoopback(host)) log.warn({ host, port }, "the metrics can be read by whoever reaches this address");
  return MetricsPort.open({ service, host, port, log });
}

/**
 * Runs a service as the whole of this process: `--help`, configuration, start, ready line, until SIGINT, SIGTERM or the
 * parent's death asks it to end. The first signal stops it in order (exit code 130 after SIGINT, 0 otherwise), a second
 * one ends it at once. Errors are one line each on stderr, and set the exit code.
 */
export async function runService<S extends z.ZodObject>(definition: ServiceDefinition<S>): Promise<void> {
  const { name, summary, schema, start, stopTimeoutMs = DEFAULT_STOP_TIMEOUT_MS } = definition;
  const argv = process.argv.slice(2);
  if (argv.includes("--help")) {
    process.stdout.write(helpText({ name: `edgewatt ${name}`, section: name, schema, summary }));
    return;
  }

  let log: Logger | undefined;
  const stopping = listenForStop({
    timeoutMs: stopTimeoutMs,
    onTimeout: () => log?.error({ stopTimeoutMs }, "the orderly stop took too long; ending now"),
  });
  let service: RunningService | undefined;
  let metricsPort: MetricsPort | undefined;
  try {
    const config = loadConfig({ section: name, schema, argv, env: process.env, cwd: process.cwd() });
    const { logLevel, json } = config as { logLevel?: LogLevel; json?: boolean };
    log = createLogger({ name, level: logLevel ?? "info" });
    // First: a port that is taken ends the process before it has done anything.
    metricsPort = await openMetricsPort(name, config, log);
    service = await start({ config, log, clock: systemClock, signal: stopping.signal });
    service.failed?.catch((error: unknown) => log?.debug({ err: error }, "the service reported a failure"));
    if (service.observation !== undefined) metricsPort?.observe(service.observation);
    if (!stopping.signal.aborted) {
      announce(name, { ...service.ready, metrics: metricsPort?.url }, json ?? false);
      await Promise.race([stopping.requested, ...(service.failed ? [service.failed] : [])]);
    }
    process.exitCode = stopping.exitCode;
  } catch (error) {
    if (stopping.signal.aborted) {
      // Whatever a start that was interrupted ends with is no fault of its own.
      log?.debug({ err: error }, "the start was interrupted");
      process.exitCode = stopping.exitCode;
    } else {
      report(name, error, log);
      process.exitCode = exitCodeOf(error);
    }
  }
  stopping.begin();
  metricsPort?.stopping();
  try {
    await service?.stop();
  } catch (error) {
    report(name, error, log);
    process.exitCode = EXIT.failed;
  }
  await metricsPort?.close();
}
