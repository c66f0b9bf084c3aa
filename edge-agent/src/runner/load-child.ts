import { monotonicUs } from "../process/monotonic.ts";
import type { FromLoad, LoadSteps, ToLoad } from "./load-messages.ts";

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread, so that nothing but the wait ends it. */
function rest(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

/** Keeps a core busy and lets it rest in turn, and stamps the edges. */
function alternate({ count, onMs, restMs, longerMs }: LoadSteps): FromLoad {
  const onUs = new Float64Array(count);
  const offUs = new Float64Array(count);
  rest(restMs);
  for (let step = 0; step < count; step++) {
    const startUs = monotonicUs();
    const endUs = startUs + onMs * 1000;
    let nowUs = startUs;
    while (nowUs < endUs) nowUs = monotonicUs();
    onUs[step] = startUs;
    offUs[step] = nowUs;
    rest(restMs + step * longerMs);
  }
  return { type: "stepped", onUs, offUs };
}

process.on("message", (message: ToLoad) => process.send?.(alternate(message)));
process.on("disconnect", () => process.exit());
