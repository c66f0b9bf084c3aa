import {
  type Command,
  isTerminal,
  type JobState,
  newCommand,
  type Operation,
  supersedes,
  topicFilter,
} from "@edgewatt/protocol";
import { type MqttConnection, systemClock, UnreachableError } from "@edgewatt/runtime";
import { ulid } from "ulid";
import { ControllerError, InterruptedError } from "../errors.ts";
import { watchAbsence } from "./absence.ts";
import { author, PublishedCommand } from "./command.ts";
import { readMessage } from "./retained.ts";

export interface JobRequest {
  readonly device: string;
  readonly op: Operation;
  readonly args: Command["args"];
  /** How long it may run, and how long a device that is gone is waited for; default: as long as most jobs may. */
  readonly timeoutS?: number | undefined;
  /** Called with every new state that the agent publishes. */
  readonly onState?: (state: JobState) => void;
  /** Called with what the agent wants people to read. */
  readonly onMessage?: (level: "info" | "warn" | "error", text: string) => void;
}

/** What `--timeout` says, in seconds. */
export function timeoutSeconds({ timeout }: { readonly timeout?: number }): number | undefined {
  return timeout === undefined ? undefined : timeout * 60;
}

/** How long a canceled job may take to say so. */
const CANCEL_WAIT_MS = 30_000;
const POLL_MS = 50;

/** Nobody waits any more for what a device that is not there would do: its job is taken back. */
const GIVEN_UP: ReadonlySet<string> = new Set(["expired", "device-gone"]);

/**
 * Starts a job and follows it to its end; on abort, when no agent has taken it in time, and when its device is gone for longer than the
 * job may take, the job is canceled.
 * @throws {ControllerError} with the agent's reason when the job ends in any other way than `succeeded`
 * @throws {UnreachableError} `expired` or `device-gone`
 */
export async function runJob(connection: MqttConnection, request: JobRequest, signal: AbortSignal): Promise<JobState> {
  signal.throwIfAborted();
  const { op, args, timeoutS: askedS } = request;
  const command = newCommand({ job: ulid(), op, args, by: author(), nowMs: Date.now(), timeoutS: askedS });
  const { device } = request;
  const { expiresAt, timeoutS } = command;
  const follower = await followJob(connection, command.job, request);
  let published: PublishedCommand | undefined;
  try {
    published = await PublishedCommand.publish(connection, device, command);
    const state = await follower.end(signal, { expiresAt, goneMs: timeoutS * 1000 });
    if (state.state === "succeeded") return state;
    throw jobFailure(device, state);
  } catch (error) {
    // A device that comes back, or one that does not know the time, would run what nobody waits for.
    if (error instanceof UnreachableError && GIVEN_UP.has(error.code)) await published?.cancel();
    if (!signal.aborted || published === undefined) throw error;
    await published.cancel();
    await canceledEnd(follower, device);
    throw new InterruptedError(`interrupted: job ${command.job} on ${device} was canceled`);
  } finally {
    published?.stop();
    await follower.stop();
  }
}

/**
 * Does the same on several devices at once. The results of all are wanted, so at the first failure the others' jobs are
 * canceled, and it is thrown when they have ended.
 */
export async function onEach<D, T>(
  devices: readonly D[],
  signal: AbortSignal,
  work: (device: D, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const ends = await Promise.allSettled(
    devices.map(async (device) => {
      try {
        return await work(device, either);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  if (failed.signal.aborted) throw failed.signal.reason;
  return ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
}

/** The states of a job as they come in. */
export interface JobFollower {
  readonly job: string;
  /**
   * Resolves with the terminal state.
   * @param until no agent has taken it by then, epoch ms: `expired`; its device is gone for so long: `device-gone`
   * @throws {UnreachableError}
   */
  end(signal: AbortSignal, until?: { expiresAt: number; goneMs: number }): Promise<JobState>;
  stop(): Promise<void>;
}

export async function followJob(
  connection: MqttConnection,
  job: string,
  { device, onState, onMessage }: Pick<JobRequest, "device" | "onState" | "onMessage">,
): Promise<JobFollower> {
  const seen: { newest?: JobState } = {};
  const subscriptions = await Promise.all([
    connection.subscribe(topicFilter("jobState", { device, job }), ({ topic, payload }) => {
      const read = readMessage("jobState", topic, payload);
      if (read === undefined || (seen.newest !== undefined && !supersedes(read.message, seen.newest))) return;
      seen.newest = read.message;
      onState?.(read.message);
    }),
    connection.subscribe(topicFilter("jobEvent", { device, job }), ({ topic, payload }) => {
      const read = readMessage("jobEvent", topic, payload);
      if (read !== undefined) onMessage?.(read.message.level, read.message.message);
    }),
  ]);
  const absence = await watchAbsence(connection, device, (cause) =>
    onMessage?.("warn", `offline (${cause}); the job waits until it is back`),
  );
  return {
    job,
    async end(signal, { expiresAt, goneMs } = { expiresAt: Infinity, goneMs: Infinity }) {
      for (;;) {
        if (seen.newest !== undefined && isTerminal(seen.newest.state)) return seen.newest;
        if (seen.newest === undefined && Date.now() > expiresAt) {
          throw new UnreachableError(`job ${job} expired: ${device} has not taken it; check that its agent runs`, {
            code: "expired",
            retryable: true,
            context: { device, job },
          });
        }
        if (absence.ms() > goneMs) {
          throw new UnreachableError(
            `${device} has been gone for the ${minutes(goneMs)} that job ${job} may take: the job is canceled; check the device and start it again`,
            { code: "device-gone", retryable: true, context: { device, job } },
          );
        }
        await systemClock.sleep(POLL_MS, signal);
      }
    },
    async stop() {
      await Promise.all([absence.stop(), ...subscriptions.map((subscription) => subscription.unsubscribe())]);
    },
  };
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** The end of a job that was canceled just now. @throws {UnreachableError} when its device does not confirm it soon */
export async function canceledEnd(follower: JobFollower, device: string): Promise<JobState> {
  const { job } = follower;
  try {
    return await follower.end(AbortSignal.timeout(CANCEL_WAIT_MS));
  } catch (cause) {
    throw new UnreachableError(
      `job ${job} was canceled but ${device} has not confirmed it: it will, once it is online; see edgewatt runs show ${job}`,
      { code: "cancel-unconfirmed", context: { device, job }, cause },
    );
  }
}

function jobFailure(device: string, state: JobState): ControllerError {
  const why = state.reason === undefined ? "" : `: ${state.reason.message} (${state.reason.code})`;
  return new ControllerError(`${state.op} job ${state.job} on ${device} ${state.state.replace("_", " ")}${why}`, {
    code: `job-${state.state}`,
    context: { device, job: state.job, reason: state.reason },
  });
}
