import type { LoadStep } from "../measure/lag.ts";
import { AskedChild } from "../process/ask.ts";
import type { FromLoad, LoadSteps, ToLoad } from "./load-messages.ts";

const SCRIPT = new URL("../../dist/runner/load-child.js", import.meta.url);

/** Makes a core busy and idle in turn, in a process of its own on the runner's cores. */
export async function runLoadSteps(
  steps: LoadSteps,
  options: { cores: readonly number[] | undefined; signal: AbortSignal },
): Promise<readonly LoadStep[]> {
  await using child = new AskedChild<FromLoad, never, ToLoad>({
    name: "load",
    script: SCRIPT,
    isNote: (_message): _message is never => false,
    ...options,
  });
  const { onUs, offUs } = await child.ask({ type: "step", ...steps }, "stepped");
  return [...onUs].map((on, i) => ({ onUs: on, offUs: offUs[i] ?? on }));
}
