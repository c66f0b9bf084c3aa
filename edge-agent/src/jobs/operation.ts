import type { JobEvent, JobState, Operation as OperationName } from "@edgewatt/protocol";

export interface JobProgress {
  readonly step: NonNullable<JobState["step"]>;
  /** What the step works on, for people. */
  readonly detail: string;
  /** Share of the whole job that is done, 0 to 1. */
  readonly share: number;
}

/** What a running job may use of the agent. */
export interface JobContext {
  readonly job: string;
  /** Aborts on cancel, timeout and shutdown; its reason is a JobError. */
  readonly signal: AbortSignal;
  progress(progress: JobProgress): void;
  event(level: JobEvent["level"], message: string): void;
}

/** Something a device can be asked to do. */
export interface Operation<A = unknown> {
  readonly name: OperationName;
  /** @throws {DecodeError} when the arguments are not valid */
  parse(args: unknown): A;
  /** Resolves with the job's result. @throws {EdgewattError} whose code and message become the reason of the failure */
  run(args: A, context: JobContext): Promise<Record<string, unknown>>;
}
