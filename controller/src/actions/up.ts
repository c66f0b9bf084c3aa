import { once } from "node:events";
import { type Context, say } from "../context.ts";
import type { JsonOption } from "../options.ts";
import { childLog } from "../stack/child-log.ts";
import { type Stack, type StackAddresses, type StackFlags, startStack } from "../stack/stack.ts";

export type UpOptions = StackFlags & StackAddresses & JsonOption;

/** Runs a stack until the user ends it. */
export async function up(context: Context, options: UpOptions): Promise<void> {
  const { env, cwd, signal } = context;
  const stack = await startStack({ ...options, env, cwd, signal, events: childLog(context) });
  announce(context, stack, options.json === true);
  if (!signal.aborted) await once(signal, "abort");
  if (options.json !== true) say(context, "Stopping …");
  await stack.stop();
}

function announce(context: Context, { ready }: Stack, json: boolean): void {
  if (json) {
    context.stdout.write(`${JSON.stringify({ ready: true, ...ready })}\n`);
    return;
  }
  const rows = [
    ["Live page", ready.hub],
    ["Broker", ready.mqtt],
    ["Database", ready.influx ?? `none: telemetry goes to line-protocol files in ${ready.data}/telemetry`],
    ["Data", ready.data],
    ["Device", ready.device],
    ...Object.entries(ready.metrics ?? {}).map(([part, url], i) => [i === 0 ? "Metrics" : "", `${url} (${part})`]),
  ];
  for (const [what, where] of rows) say(context, `${what?.padEnd(10)} ${where}`);
  say(context, "Stop it with Ctrl-C.");
}
