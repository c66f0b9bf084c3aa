import { setTimeout as sleep } from "node:timers/promises";

/** Calls `fn` until it stops throwing and returns what it returns; throws its last error once `timeoutMs` (10,000) has passed. */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 10_000, everyMs = 50 } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await fn();
    } catch (error) {
      if (performance.now() >= deadlineMs) throw error;
      await sleep(everyMs);
    }
  }
}
