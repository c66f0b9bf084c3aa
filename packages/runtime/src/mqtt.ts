import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, TransportError, UnreachableError } from "./errors.ts";
import type { ConnectOptions, MqttConnection } from "./mqtt-connection.ts";
import { ReconnectingMqtt } from "./mqtt-reconnecting.ts";
import { brokerAddresses, displayUrl } from "./mqtt-session.ts";

function checkUrl(url: string): void {
  const bad = brokerAddresses(url).filter(
    (address) => !URL.canParse(address) || !["mqtt:", "mqtts:", "ws:", "wss:"].includes(new URL(address).protocol),
  );
  if (bad.length === 0) return;
  throw new ConfigError(
    bad.map((address) => `--broker: ${address} is no broker address; expected one such as mqtt://127.0.0.1:1883`),
  );
}

async function firstConnection(
  connection: ReconnectingMqtt,
  { url, waitMs, signal }: ConnectOptions & { waitMs: number },
): Promise<void> {
  if (connection.connected) return;
  let forget: (() => void) | undefined;
  const connected = new Promise<boolean>((resolve) => {
    forget = connection.onConnect(() => resolve(true));
  });
  const giveUp = new AbortController();
  const waitSignal = signal ? AbortSignal.any([signal, giveUp.signal]) : giveUp.signal;
  try {
    const inTime = await Promise.race([connected, sleep(waitMs, false, { signal: waitSignal })]);
    if (inTime) return;
    const { lastError } = connection;
    const reason =
      lastError instanceof TransportError && lastError.context["reason"]
        ? ` (${lastError.context["reason"] as string})`
        : "";
    throw new UnreachableError(
      `no broker at ${displayUrl(url)}${reason}: start one with \`edgewatt up\` or name another with --broker`,
      {
        code: "unreachable",
        retryable: true,
        context: { url: displayUrl(url) },
        cause: lastError,
      },
    );
  } catch (error) {
    await connection.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    forget?.();
    giveUp.abort();
  }
}

/**
 * Connects to an MQTT 3.1.1 broker (`mqtt://`, `mqtts://`, `ws://`, `wss://`) with a clean session, and again after each
 * loss with a jittered exponential back-off of 0.5 to 30 s. Throws ConfigError for an address that is none, and
 * UnreachableError when `waitMs` is given and passes.
 */
export async function connectMqtt(options: ConnectOptions): Promise<MqttConnection> {
  checkUrl(options.url);
  const connection = new ReconnectingMqtt(options);
  if (options.waitMs !== undefined) await firstConnection(connection, { ...options, waitMs: options.waitMs });
  return connection;
}
