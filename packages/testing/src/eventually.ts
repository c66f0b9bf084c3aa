import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `fn` until it stops throwing and returns what it returns; throws its last error once `timeoutMs` has passed. The
 * default, 45,000, is a limit that only a hang reaches: the disk of a shared machine may stand still for ten seconds.
 */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 45_000, everyMs = 50 } = options;
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
