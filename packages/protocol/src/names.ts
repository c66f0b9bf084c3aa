/** A device id: one topic level, one InfluxDB tag value, one MQTT client id. */
export const DEVICE_ID = /^[a-z0-9][a-z0-9-]{1,39}$/;

/** A job id: a ULID in practice; any single topic level of safe characters is accepted. */
export const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The name and id of a service instance, and the id of an enrolment claim. */
export const INSTANCE_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

export const SHA256 = /^[0-9a-f]{64}$/;

/** The streams of telemetry; each is numbered, spooled and acknowledged on its own. */
export const STREAMS = ["power", "inference", "system", "event", "summary"] as const;
export type Stream = (typeof STREAMS)[number];

/** What a device can be asked to do. */
export const OPERATIONS = ["quantize", "prune", "benchmark", "sensitivity"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The services that announce themselves under `_svc`. */
export const SERVICES = ["ingest", "hub"] as const;
export type ServiceName = (typeof SERVICES)[number];

export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text);
}
