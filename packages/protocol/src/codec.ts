import { z } from "zod";
import { enrollRequestSchema, enrollResponseSchema } from "./enrolment.ts";
import { DecodeError } from "./errors.ts";
import { commandSchema, jobEventSchema, jobStateSchema } from "./jobs.ts";
import { deviceInfoSchema, deviceStatusSchema, serviceStatusSchema } from "./presence.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import { count } from "./schemas.ts";
import { ackSchema, liveSampleSchema, MAX_TELEMETRY_BYTES, telemetryBatchSchema } from "./telemetry.ts";
import { isTelemetryBatch } from "./telemetry-check.ts";
import type { TopicKind } from "./topics.ts";

/** No payload other than telemetry is larger than this; the broker refuses larger packets. */
export const MAX_MESSAGE_BYTES = 250 * 1024;

/** A version comes from a peer and may be of any length. */
const MAX_SHOWN = 40;

const SCHEMAS = {
  status: deviceStatusSchema,
  info: deviceInfoSchema,
  telemetry: telemetryBatchSchema,
  live: liveSampleSchema,
  ack: ackSchema,
  command: commandSchema,
  jobState: jobStateSchema,
  jobEvent: jobEventSchema,
  service: serviceStatusSchema,
  enrollRequest: enrollRequestSchema,
  enrollResponse: enrollResponseSchema,
} as const satisfies Record<TopicKind, z.ZodType>;

const batchNumbers = z.looseObject({ boot: count, seq: count });

/** The payload that belongs to each kind of topic. */
export type MessageOf<K extends TopicKind> = z.infer<(typeof SCHEMAS)[K]>;

function maxBytes(kind: TopicKind): number {
  return kind === "telemetry" ? MAX_TELEMETRY_BYTES : MAX_MESSAGE_BYTES;
}

/** The message as its schema gives it back. @throws {DecodeError} code `invalid` */
function check<K extends TopicKind>(kind: K, message: unknown): MessageOf<K> {
  if (kind === "telemetry" && isTelemetryBatch(message)) return message as MessageOf<K>;
  const checked = SCHEMAS[kind].safeParse(message);
  if (!checked.success) throw invalid(kind, checked.error);
  return checked.data as MessageOf<K>;
}

/** JSON text of a message. @throws {DecodeError} code `invalid` or `too-large` when it must not be sent. */
export function encodeMessage<K extends TopicKind>(kind: K, message: z.input<(typeof SCHEMAS)[K]>): string {
  check(kind, message);
  const text = JSON.stringify(message);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes(kind)) throw tooLarge(kind, bytes);
  return text;
}

/**
 * A message from its bytes; fields that are not known are kept.
 * @throws {DecodeError} with code `too-large`, `not-json`, `unsupported-version` or `invalid`
 */
export function decodeMessage<K extends TopicKind>(kind: K, payload: Uint8Array): MessageOf<K> {
  if (payload.byteLength > maxBytes(kind)) throw tooLarge(kind, payload.byteLength);
  const json = parseJson(kind, payload);
  const found = typeof json === "object" && json !== null && "v" in json ? json.v : undefined;
  if (found !== MESSAGE_VERSION) {
    const shown = (JSON.stringify(found) ?? "none").slice(0, MAX_SHOWN);
    throw new DecodeError(
      `cannot read a ${kind} message of version ${shown}: this edgewatt reads version ${MESSAGE_VERSION}; update the older side`,
      { code: "unsupported-version", context: { kind, version: shown } },
    );
  }
  return check(kind, json);
}

/**
 * The numbers of a batch that {@link decodeMessage} refuses, where they can be read: `boot` and `seq` mean the same in every
 * version. `undefined` where the payload is no JSON object with both.
 */
export function readBatchNumbers(payload: Uint8Array): { readonly boot: number; readonly seq: number } | undefined {
  if (payload.byteLength > MAX_MESSAGE_BYTES) return undefined;
  try {
    const { boot, seq } = batchNumbers.parse(parseJson("telemetry", payload));
    return { boot, seq };
  } catch {
    // Not JSON, or no such numbers.
    return undefined;
  }
}

function parseJson(kind: TopicKind, payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8"));
  } catch (cause) {
    throw new DecodeError(`cannot read a ${kind} message: it is not JSON`, {
      code: "not-json",
      context: { kind, bytes: payload.byteLength },
      cause,
    });
  }
}

function tooLarge(kind: TopicKind, bytes: number): DecodeError {
  return new DecodeError(`a ${kind} message of ${bytes} bytes is over the limit of ${maxBytes(kind)} bytes`, {
    code: "too-large",
    context: { kind, bytes },
  });
}

function invalid(kind: TopicKind, error: z.ZodError): DecodeError {
  return new DecodeError(`a ${kind} message is not valid: ${describeIssues(error)}`, {
    code: "invalid",
    context: { kind },
    cause: error,
  });
}

/** All problems of a value in one line: `path: message; path: message`. */
export function describeIssues(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".") || "value"}: ${issue.message}`).join("; ");
}

/** The arguments of a command, checked by its operation's schema. @throws {DecodeError} code `invalid` */
export function parseArguments<S extends z.ZodType>(schema: S, args: unknown): z.infer<S> {
  const checked = schema.safeParse(args);
  if (checked.success) return checked.data;
  throw new DecodeError(`the command's arguments are not valid: ${describeIssues(checked.error)}`, {
    code: "invalid",
    cause: checked.error,
  });
}
