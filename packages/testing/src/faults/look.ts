import {
  decodeMessage,
  parseTopic,
  topicFilter,
  type DeviceStatus,
  type JobState,
  type ServiceStatus,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import { setTimeout as sleep } from "node:timers/promises";

const CONNECT_WAIT_MS = 5000;
/** The broker sends what it retains right after it grants a subscription. */
const SETTLE_MS = 250;

/** What the broker retains. */
export interface Retained {
  readonly devices: ReadonlyMap<string, DeviceStatus>;
  /** By `name/id`. */
  readonly services: ReadonlyMap<string, ServiceStatus>;
  /** Of the jobs that were asked for. */
  readonly jobs: ReadonlyMap<string, JobState>;
}

/** Looks as somebody who comes new. @throws {UnreachableError} when there is no broker */
export async function lookAtRetained(
  url: string,
  jobs: readonly { readonly device: string; readonly job: string }[],
): Promise<Retained> {
  const log = createLogger({ name: "look", level: "silent" });
  const mqtt = await connectMqtt({ url, clientId: `look-${process.pid}`, log, waitMs: CONNECT_WAIT_MS });
  const devices = new Map<string, DeviceStatus>();
  const services = new Map<string, ServiceStatus>();
  const states = new Map<string, JobState>();
  try {
    const filters = [
      topicFilter("status"),
      topicFilter("service"),
      ...jobs.map(({ device, job }) => topicFilter("jobState", { device, job })),
    ];
    const receive = ({ topic, payload }: { topic: string; payload: Uint8Array }) => {
      const parsed = parseTopic(topic);
      if (payload.byteLength === 0) return;
      if (parsed?.kind === "status") devices.set(parsed.device, decodeMessage("status", payload));
      if (parsed?.kind === "service") services.set(`${parsed.name}/${parsed.id}`, decodeMessage("service", payload));
      if (parsed?.kind === "jobState") states.set(parsed.job, decodeMessage("jobState", payload));
    };
    await Promise.all(filters.map((filter) => mqtt.subscribe(filter, receive)));
    await sleep(SETTLE_MS);
    return { devices, services, jobs: states };
  } finally {
    await mqtt.close();
  }
}
