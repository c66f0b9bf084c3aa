/** What is needed of an event of Chromium's trace; times in µs. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Work of the main thread of a page for one frame, ms. */
export interface FrameWork {
  /** By the clock on the wall, with what others took of the processor meanwhile. */
  readonly wallMs: number;
  /** Of the thread itself. */
  readonly cpuMs: number;
}

const DETAILS = "disabled-by-default-devtools.timeline";
export const TRACE_CATEGORIES = ["toplevel", DETAILS];
const TASK = "ThreadControllerImpl::RunTask";
/** With it the main thread hands a frame over. */
const COMMIT = "Commit";

/**
 * The work of each frame in a trace that holds one page: all tasks of its main thread since the frame before was handed over, up to and with
 * the one that hands over this one. Frames in which nothing changed are not in a trace.
 */
export function frameWork(trace: string): FrameWork[] {
  const { traceEvents } = JSON.parse(trace) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const onMain = traceEvents.filter(({ ph, pid, tid }) => ph === "X" && mains.has(`${pid}/${tid}`));
  const commits = onMain
    .filter(({ name }) => name === COMMIT)
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  const work = commits.map(() => ({ wallMs: 0, cpuMs: 0 }));
  const tasks = onMain.filter(({ name }) => name === TASK).sort((a, b) => a.ts - b.ts);
  let at = 0;
  for (const { ts, dur = 0, tdur = 0 } of tasks) {
    while (at < commits.length && (commits[at] ?? 0) < ts) at++;
    const frame = work[at];
    if (frame === undefined) break;
    frame.wallMs += dur / 1000;
    frame.cpuMs += tdur / 1000;
  }
  // Of the first one only the end was seen.
  return work.slice(1);
}
