import { randomBytes } from "node:crypto";
import path from "node:path";
import { connectMqtt, createLogger, type MqttConnection, UnreachableError } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import type { BrokerOption } from "../options.ts";
import { readStackFile } from "../stack/stack-file.ts";

const CONNECT_WAIT_MS = 5_000;

/** The broker that is named, else that of the stack that runs on the data folder; `undefined` where there is neither. */
export async function knownBroker(context: Context, options: BrokerOption): Promise<string | undefined> {
  if (options.broker !== undefined) return options.broker;
  return (await readStackFile(path.resolve(context.cwd, options.data)))?.mqtt;
}

/** @throws {UnreachableError} when no broker is known */
async function findBroker(context: Context, options: BrokerOption): Promise<string> {
  const broker = await knownBroker(context, options);
  if (broker !== undefined) return broker;
  const data = path.resolve(context.cwd, options.data);
  throw new UnreachableError(
    `no stack runs on the data folder ${data}: start one with \`edgewatt up\`, or name a broker with --broker or a data folder with --data`,
    { code: "no-stack", context: { data } },
  );
}

/** Connects, does what `use` does, and disconnects. @throws {UnreachableError} when no broker answers within some seconds */
export async function withConnection<T>(
  context: Context,
  options: BrokerOption,
  use: (connection: MqttConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectMqtt({
    url: await findBroker(context, options),
    clientId: `cli-${randomBytes(6).toString("hex")}`,
    log: createLogger({ name: "edgewatt", level: "error" }),
    signal: context.signal,
    waitMs: CONNECT_WAIT_MS,
  });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
