import type { FromFirstSession, ToFirstSession } from "./first-session-messages.ts";
import { peakMemoryMb, resetPeakMemory } from "./memory.ts";
import { openFirstSession } from "./model.ts";

function tell(message: FromFirstSession): void {
  process.send?.(message);
}

async function measure(options: ToFirstSession): Promise<FromFirstSession> {
  resetPeakMemory();
  const beforeMb = peakMemoryMb();
  await openFirstSession(options);
  return { type: "opened", sessionMb: peakMemoryMb() - beforeMb };
}

process.on("message", (message: ToFirstSession) => {
  measure(message).then(tell, (error: unknown) => {
    tell({ type: "failed", code: "runner-failed", message: error instanceof Error ? error.message : String(error) });
  });
});
process.on("disconnect", () => process.exit());
