import { AskedChild } from "../process/ask.ts";
import type { FirstSession, ToFirstSession } from "./first-session-messages.ts";
import type { SessionOptions } from "./messages.ts";

const SCRIPT = new URL("../../dist/runner/first-session-child.js", import.meta.url);

/**
 * What ONNX Runtime takes for its first session, whatever the model, 10^6 bytes: of a model with one node, which takes nothing itself, in
 * a process of its own. @throws {JobError} when no session opens
 */
export async function measureFirstSessionMb(
  session: SessionOptions,
  options: { cores: readonly number[] | undefined; signal: AbortSignal },
): Promise<number> {
  await using child = new AskedChild<FirstSession, never, ToFirstSession>({
    name: "first session",
    script: SCRIPT,
    isNote: (_message): _message is never => false,
    ...options,
  });
  const { threads, spinning, graphOptimization } = session;
  const { sessionMb } = await child.ask({ type: "open", threads, spinning, graphOptimization }, "opened");
  return sessionMb;
}
