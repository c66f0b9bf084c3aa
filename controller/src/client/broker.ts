import { randomBytes } from "node:crypto";
import path from "node:path";
import { connectMqtt, createLogger, type MqttConnection, UnreachableError } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import type { BrokerOption } from "../options.ts";
import { readStackFile } from "../stack/stack-file.ts";

const CONNECT_WAIT_MS = 5_000;

/** The broker that is named, else that of the stack that runs on the data folder. @throws {UnreachableError} when there is neither */
async function findBroker(context: Context, options: BrokerOption): Promise<string> {
  if (options.broker !== undefined) return options.broker;
  const data = path.resolve(context.cwd, options.data);
  const stack = await readStackFile(data);
  if (stack !== undefined) return stack.mqtt;
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
