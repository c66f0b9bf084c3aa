import {
  decodeMessage,
  DecodeError,
  type DeviceFault,
  type DeviceStatus,
  MEASUREMENTS,
  type PipelineFigures,
  parseTopic,
  pipelineFiguresSchema,
  type ServiceStatus,
  topicFilter,
} from "@edgewatt/protocol";
import { type MqttConnection, systemClock } from "@edgewatt/runtime";
import { collectRetained } from "./retained.ts";

/** An agent's telemetry on its way, as it tells of it. */
export interface AgentState {
  readonly id: string;
  readonly status: DeviceStatus;
  /** Whether its clock is synchronized; `undefined` when it has never said. */
  readonly synchronized: boolean | undefined;
  /** What keeps it from its work, as it says. */
  readonly faults: readonly DeviceFault[];
  /** Whether anything came from it while we listened. */
  heard: boolean;
  /** What it told meanwhile; `undefined` when it told nothing. */
  figures: PipelineFigures | undefined;
}

export interface IngestState {
  readonly id: string;
  readonly status: ServiceStatus;
}

export interface PipelineState {
  readonly agents: readonly AgentState[];
  readonly ingests: readonly IngestState[];
}

const POLL_MS = 50;
/** Longer than the ten seconds in which an agent in a measured window tells once. */
const LISTEN_MS = 12_000;

/**
 * Where telemetry is on its way: retained words of agents and ingests, and what the agents tell meanwhile. Takes about a second, and
 * a dozen where a device is silent.
 */
export async function readPipeline(connection: MqttConnection, signal: AbortSignal): Promise<PipelineState> {
  const agents = new Map<string, AgentState>();
  const early: { topic: string; payload: Uint8Array }[] = [];
  const hear = (message: { topic: string; payload: Uint8Array }): void => void early.push(message);
  const subscriptions = await Promise.all([
    connection.subscribe(topicFilter("telemetry"), hear),
    connection.subscribe(topicFilter("live"), hear, { qos: 0 }),
  ]);
  const { status, info, service } = await collectRetained(connection, ["status", "info", "service"]);
  const infos = new Map(info.map(({ topic, message }) => [topic.device, message]));
  for (const { topic, message } of status) {
    const { clock, faults = [] } = infos.get(topic.device) ?? {};
    agents.set(topic.device, {
      id: topic.device,
      status: message,
      synchronized: clock?.synchronized,
      faults,
      heard: false,
      figures: undefined,
    });
  }
  const isAwaited = ({ status: { state, measuringUntil = 0 }, figures }: AgentState): boolean =>
    state === "online" && figures === undefined && measuringUntil < Date.now();
  const deadlineMs = performance.now() + LISTEN_MS;
  for (;;) {
    for (const message of early.splice(0)) note(agents, message);
    if (![...agents.values()].some(isAwaited) || performance.now() >= deadlineMs) break;
    await systemClock.sleep(POLL_MS, signal);
  }
  await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  return {
    agents: [...agents.values()].sort((a, b) => a.id.localeCompare(b.id)),
    ingests: service
      .filter(({ topic }) => topic.name === "ingest")
      .map(({ topic, message }) => ({ id: topic.id, status: message }))
      .sort((a, b) => a.id.localeCompare(b.id)),
  };
}

function note(agents: ReadonlyMap<string, AgentState>, message: { topic: string; payload: Uint8Array }): void {
  const topic = parseTopic(message.topic);
  if (topic === undefined || !("device" in topic)) return;
  const agent = agents.get(topic.device);
  if (agent === undefined) return;
  agent.heard = true;
  if (topic.kind === "live" && topic.stream === "system") agent.figures = liveFigures(message.payload) ?? agent.figures;
  if (topic.kind === "telemetry" && topic.stream === "system") agent.figures ??= batchFigures(message.payload);
}

const CHANNEL = MEASUREMENTS.pipeline.name;

/** The figures in a live sample; a sample that tells of something else has none. */
function liveFigures(payload: Uint8Array): PipelineFigures | undefined {
  const told = unlessUnreadable(() => decodeMessage("live", payload).ch[CHANNEL]);
  return told === undefined ? undefined : pipelineFiguresSchema.safeParse(told).data;
}

/** In a measured window an agent tells by telemetry only. There counts are since the report before, and would mislead. */
function batchFigures(payload: Uint8Array): PipelineFigures | undefined {
  const told = unlessUnreadable(() => decodeMessage("telemetry", payload).ch[CHANNEL]);
  if (told === undefined) return undefined;
  const newest = (column: unknown): unknown => (Array.isArray(column) ? column.at(-1) : column);
  const { spoolBatches, spoolAgeS } = told;
  return pipelineFiguresSchema.safeParse({ spoolBatches: newest(spoolBatches), spoolAgeS: newest(spoolAgeS) }).data;
}

/** Another version's message, or one that is none, tells nothing. */
function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
