import type { JobState } from "@edgewatt/protocol";

const WINDOW_MS = 180_000;
/** Less than this says nothing about the rest. */
const MIN_SPAN_MS = 10_000;
const MIN_SHARE = 0.03;

interface Mark {
  readonly timeMs: number;
  readonly progress: number;
}

/** How fast a job has gone on lately, and so how long it will take if it stays at that. */
export class Pace {
  #attempt = 0;
  #marks: Mark[] = [];

  add({ attempt, progress }: Pick<JobState, "attempt" | "progress">, nowMs: number): void {
    if (progress === undefined) return;
    if (attempt !== this.#attempt) this.#marks = [];
    this.#attempt = attempt;
    if (this.#marks.at(-1)?.progress === progress) return;
    this.#marks.push({ timeMs: nowMs, progress });
    while (this.#marks.length > 2 && nowMs - (this.#marks[0]?.timeMs ?? nowMs) > WINDOW_MS) this.#marks.shift();
  }

  /** `undefined` while too little has been seen to tell. */
  remainingS(nowMs: number): number | undefined {
    const [first] = this.#marks;
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const spanMs = last.timeMs - first.timeMs;
    const share = last.progress - first.progress;
    if (spanMs < MIN_SPAN_MS || share < MIN_SHARE) return undefined;
    return Math.max(0, ((1 - last.progress) / share) * spanMs - (nowMs - last.timeMs)) / 1000;
  }
}
