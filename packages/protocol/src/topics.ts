import { DecodeError } from "./errors.ts";
import {
  DEVICE_ID,
  INSTANCE_ID,
  JOB_ID,
  OPERATIONS,
  SERVICES,
  STREAMS,
  type Operation,
  type ServiceName,
  type Stream,
} from "./names.ts";

const PREFIX = "edgewatt/v1";

/** Every topic of edgewatt, parsed. {@link formatTopic} and {@link parseTopic} are inverse. */
export type Topic =
  | { readonly kind: "status"; readonly device: string }
  | { readonly kind: "info"; readonly device: string }
  | { readonly kind: "telemetry"; readonly device: string; readonly stream: Stream }
  | { readonly kind: "live"; readonly device: string; readonly stream: Stream }
  | { readonly kind: "ack"; readonly device: string; readonly stream: Stream }
  | {
      readonly kind: "command";
      readonly device: string;
      readonly op: Operation;
      readonly job: string;
    }
  | { readonly kind: "jobState"; readonly device: string; readonly job: string }
  | { readonly kind: "jobEvent"; readonly device: string; readonly job: string }
  | { readonly kind: "service"; readonly name: ServiceName; readonly id: string }
  | { readonly kind: "enrollRequest"; readonly claim: string }
  | { readonly kind: "enrollResponse"; readonly claim: string };

export type TopicKind = Topic["kind"];

/** The MQTT topic name of a parsed topic. @throws {DecodeError} code `bad-topic` when a part is not legal. */
export function formatTopic(topic: Topic): string {
  const text = render(topic);
  // A slash in a part can make a topic of another kind.
  if (parseTopic(text)?.kind !== topic.kind) {
    throw new DecodeError(`cannot form a topic: "${text}" has a part that is not legal`, {
      code: "bad-topic",
      context: { topic: text },
    });
  }
  return text;
}

function render(topic: Topic): string {
  switch (topic.kind) {
    case "status":
      return `${PREFIX}/${topic.device}/status`;
    case "info":
      return `${PREFIX}/${topic.device}/info`;
    case "telemetry":
      return `${PREFIX}/${topic.device}/tele/${topic.stream}`;
    case "live":
      return `${PREFIX}/${topic.device}/live/${topic.stream}`;
    case "ack":
      return `${PREFIX}/${topic.device}/ack/${topic.stream}`;
    case "command":
      return `${PREFIX}/${topic.device}/cmd/${topic.op}/${topic.job}`;
    case "jobState":
      return `${PREFIX}/${topic.device}/job/${topic.job}/state`;
    case "jobEvent":
      return `${PREFIX}/${topic.device}/job/${topic.job}/event`;
    case "service":
      return `${PREFIX}/_svc/${topic.name}/${topic.id}`;
    case "enrollRequest":
      return `${PREFIX}/_enroll/${topic.claim}/req`;
    case "enrollResponse":
      return `${PREFIX}/_enroll/${topic.claim}/res`;
  }
}

/** The parsed topic, or `undefined` when the text is not a topic of this version of edgewatt. */
export function parseTopic(text: string): Topic | undefined {
  const parts = text.split("/");
  if (`${parts[0]}/${parts[1]}` !== PREFIX) return undefined;
  const [scope = "", ...rest] = parts.slice(2);
  if (scope === "_svc") return parseService(rest);
  if (scope === "_enroll") return parseEnrolment(rest);
  return DEVICE_ID.test(scope) ? parseDeviceTopic(scope, rest) : undefined;
}

function parseService(rest: readonly string[]): Topic | undefined {
  const [name, id = ""] = rest;
  if (rest.length !== 2 || !isOneOf(SERVICES, name) || !INSTANCE_ID.test(id)) return undefined;
  return { kind: "service", name, id };
}

function parseEnrolment(rest: readonly string[]): Topic | undefined {
  const [claim = "", direction] = rest;
  if (rest.length !== 2 || !INSTANCE_ID.test(claim)) return undefined;
  if (direction === "req") return { kind: "enrollRequest", claim };
  return direction === "res" ? { kind: "enrollResponse", claim } : undefined;
}

function parseDeviceTopic(device: string, rest: readonly string[]): Topic | undefined {
  const [channel, second, third = ""] = rest;
  if (rest.length === 1 && (channel === "status" || channel === "info")) {
    return { kind: channel, device };
  }
  if (rest.length === 2 && isOneOf(STREAMS, second)) {
    if (channel === "tele") return { kind: "telemetry", device, stream: second };
    if (channel === "live" || channel === "ack") return { kind: channel, device, stream: second };
    return undefined;
  }
  if (rest.length !== 3) return undefined;
  if (channel === "cmd" && isOneOf(OPERATIONS, second) && JOB_ID.test(third)) {
    return { kind: "command", device, op: second, job: third };
  }
  if (channel === "job" && second !== undefined && JOB_ID.test(second)) {
    if (third === "state") return { kind: "jobState", device, job: second };
    if (third === "event") return { kind: "jobEvent", device, job: second };
  }
  return undefined;
}

function isOneOf<T extends string>(values: readonly T[], text: string | undefined): text is T {
  return (values as readonly (string | undefined)[]).includes(text);
}

/** The subscription filter for a kind of topic; a part that is not given matches all. */
export function topicFilter(
  kind: TopicKind,
  parts: {
    readonly device?: string;
    readonly stream?: Stream;
    readonly job?: string;
    readonly op?: Operation;
    readonly name?: ServiceName;
    readonly id?: string;
    readonly claim?: string;
  } = {},
): string {
  const { device = "+", stream = "+", job = "+", op = "+", name = "+", id = "+", claim = "+" } = parts;
  return render({ kind, device, stream, job, op, name, id, claim } as Topic);
}
