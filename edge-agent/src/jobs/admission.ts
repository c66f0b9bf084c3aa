import {
  decodeMessage,
  DecodeError,
  MAX_QUEUED_JOBS,
  type Command,
  type JobState,
  type Operation as OperationName,
} from "@edgewatt/protocol";
import type { Operation } from "./operation.ts";

export type Operations = ReadonlyMap<OperationName, Operation>;

/** What the topic of a command says, which is known even if its payload cannot be read. */
export interface CommandAddress {
  readonly op: OperationName;
  readonly job: string;
}

export type Reason = NonNullable<JobState["reason"]>;

/** Reads a command. Gives the reason for its rejection instead where it is not valid. */
export function readCommand(address: CommandAddress, payload: Uint8Array): { command: Command } | { reason: Reason } {
  try {
    const command = decodeMessage("command", payload);
    if (command.job === address.job && command.op === address.op) return { command };
    return {
      reason: {
        code: "invalid",
        message: `the command names ${command.op} ${command.job} but came for ${address.op} ${address.job}: publish it on its own topic`,
      },
    };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { reason: { code: "invalid", message: error.message } };
  }
}

/** Why a new job is not taken, or `undefined` when it is. */
export function rejectionOf(
  command: Command,
  state: { operations: Operations; waiting: number; nowMs: number; clockSynchronized: boolean },
): Reason | undefined {
  const operation = state.operations.get(command.op);
  if (operation === undefined) {
    return {
      code: "unsupported",
      message: `this agent cannot ${command.op}: it offers ${[...state.operations.keys()].join(", ")}; update it`,
    };
  }
  if (state.clockSynchronized && state.nowMs > command.expiresAt) {
    const late = Math.round((state.nowMs - command.expiresAt) / 1000);
    return { code: "expired", message: `the command expired ${late} s before it arrived: publish it again` };
  }
  try {
    operation.parse(command.args);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { code: "invalid", message: error.message };
  }
  if (state.waiting >= MAX_QUEUED_JOBS) {
    return { code: "busy", message: `${state.waiting} jobs wait already: try again when the queue is shorter` };
  }
  return undefined;
}

/** Stands in for a command that could not be read or was lost, so that its job can be journaled like any other. */
export function placeholderCommand({ op, job }: CommandAddress, rev: number, nowMs: number): Command {
  return {
    v: 1,
    job,
    op,
    rev,
    issuedAt: nowMs,
    expiresAt: nowMs,
    timeoutS: 1,
    cancel: false,
    by: "unknown",
    args: {},
  };
}
