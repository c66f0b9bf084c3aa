const FIRST_MS = 500;
const LONGEST_MS = 5000;

/**
 * The pause before an attempt to connect, ms: pauses double, and are spread so that pages do not come back all at once.
 * @param attempt how many have failed
 * @param random from 0 to 1
 */
export function retryDelayMs(attempt: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.5 + random / 2);
}
