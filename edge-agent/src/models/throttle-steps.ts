/** Thousands of images a second would be as many messages. */
const EVERY_MS = 250;

/** Passes on the first message of each step, and of the others no more than one in 250 ms. */
export function throttleSteps<P extends { readonly step: string }>(
  tell: (progress: P) => void,
  nowMs: () => number = () => performance.now(),
): (progress: P) => void {
  const begun = new Set<string>();
  let toldMs = -Infinity;
  return (progress) => {
    const now = nowMs();
    if (begun.has(progress.step) && now - toldMs < EVERY_MS) return;
    begun.add(progress.step);
    toldMs = now;
    tell(progress);
  };
}
