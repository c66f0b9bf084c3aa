import { once } from "node:events";
import { type Context, say } from "../context.ts";
import type { DataOption, JsonOption } from "../options.ts";
import { childLog } from "../stack/child-log.ts";
import { startStack, type Stack } from "../stack/stack.ts";

export interface UpOptions extends DataOption, JsonOption {
  readonly config?: string;
  readonly influx?: string;
  readonly device?: string;
  readonly logLevel: string;
  readonly listen: string;
  readonly insecure?: true;
  readonly mqttPort: number;
  readonly wsPort?: number;
  readonly httpPort: number;
}

/** Runs a stack until the user ends it. */
export async function up(context: Context, options: UpOptions): Promise<void> {
  const { env, cwd, signal } = context;
  const stack = await startStack({
    ...options,
    insecure: options.insecure === true,
    env,
    cwd,
    signal,
    events: childLog(context),
  });
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
  ];
  for (const [what, where] of rows) say(context, `${what?.padEnd(10)} ${where}`);
  say(context, "Stop it with Ctrl-C.");
}
