import type { PipelineFigures } from "@edgewatt/protocol";
import type { AgentState, IngestState, PipelineState } from "../client/pipeline.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Live telemetry becomes durable within seconds: what is older waits for something. */
const LATE_S = 30;
/** From here on a full spool, which loses its oldest points, is near. */
const NEARLY_FULL = 0.8;
/** An ingest speaks every five seconds; what is missing beyond this is no delay. */
const SILENT_MS = 60_000;
/** An ingest with this many batches in memory is behind its database. */
const DEEP_QUEUE = 1_000;

/** Telemetry on its way from the agents through the ingests: one line for each, the ingests first, since the agents wait for them. */
export function checkPipeline({ agents, ingests }: PipelineState): Check[] {
  const taking = ingests.some(({ status }) => status.state === "online");
  return [
    ...checkIngests(ingests, taking),
    ...agents.map((agent) => ({ ...checkAgent(agent, taking), figures: { ...agent.figures } })),
  ];
}

function checkIngests(ingests: readonly IngestState[], taking: boolean): Check[] {
  if (ingests.length === 0) {
    return [
      fail(
        "ingest",
        "none has ever announced itself at this broker, so telemetry waits on the agents",
        "start one with edgewatt ingest --broker URL",
      ),
    ];
  }
  return ingests.map((ingest) => ({ ...checkIngest(ingest, taking), figures: { ...ingest.status.pipeline } }));
}

function checkIngest({ id, status }: IngestState, taking: boolean): Check {
  const name = `ingest ${id}`;
  const { state, reason, ts, pipeline = {} } = status;
  const { deadLetters = 0, queue = 0 } = pipeline;
  if (state !== "offline" && Date.now() - ts > SILENT_MS) {
    return fail(
      name,
      `says that it is ${state}, and has said nothing since ${moment(ts)}`,
      "see its log: it hangs, or its clock and this one differ",
    );
  }
  switch (state) {
    case "offline":
      return taking
        ? ok(name, `offline since ${moment(ts)}; another does its work`)
        : fail(
            name,
            `offline since ${moment(ts)}${because(reason)}, so telemetry waits on the agents`,
            "start it again",
          );
    case "holding":
      return fail(
        name,
        `holding${because(reason)}: telemetry waits on the agents and nothing is lost while their spools have room`,
        "repair or start the database; it goes on by itself",
      );
    case "online":
      if (deadLetters > 0) {
        return warn(
          name,
          `the database refused ${points(deadLetters)} since it started; ${stored(pipeline)}`,
          "they are in dead-letters of its data folder, each below the reason",
        );
      }
      return queue > DEEP_QUEUE
        ? warn(name, `online, but ${batches(queue)} wait in its memory`, "see what holds the database up")
        : ok(name, `online; ${stored(pipeline)}`);
  }
}

function checkAgent(agent: AgentState, taking: boolean): Check {
  const name = `agent ${agent.id}`;
  const { status, synchronized, faults, heard, figures } = agent;
  const { state, ts, cause, measuringUntil = 0 } = status;
  if (state === "offline") {
    return warn(
      name,
      `offline since ${moment(ts)}${because(cause)}`,
      "start it again; what its spool holds comes when it is back",
    );
  }
  if (faults.length > 0) return fail(name, faults.map(({ message }) => message).join("; "), "see its log for more");
  if (figures !== undefined) return checkSpool(name, figures, { taking, synchronized });
  if (measuringUntil > Date.now()) return ok(name, `silent until ${moment(measuringUntil)}: it measures with --strict`);
  return heard
    ? warn(name, "sends telemetry, but does not tell of its spool", "update its edgewatt")
    : fail(name, "says that it is online, but sends nothing", "see its log; it may hang, or its network may be gone");
}

function checkSpool(
  name: string,
  figures: PipelineFigures,
  { taking, synchronized }: { taking: boolean; synchronized: boolean | undefined },
): Check {
  const { spoolBatches = 0, spoolAgeS = 0, spoolBytes = 0, spoolCapBytes = Infinity, dropped = 0, queue = 0 } = figures;
  const waits = `${batches(spoolBatches)} wait, the oldest for ${duration(spoolAgeS)}`;
  if (spoolBytes > NEARLY_FULL * spoolCapBytes) {
    const share = Math.round((100 * spoolBytes) / spoolCapBytes);
    return fail(name, `its spool is ${share} % full: ${waits}`, `${remedy(taking)}, or give it room with --spool-mb`);
  }
  if (dropped > 0) {
    return warn(
      name,
      `${points(dropped)} were dropped since it started, as its spool was full; ${waits}`,
      "they are counted in measurement gap; for longer outages give it room with --spool-mb",
    );
  }
  if (spoolAgeS > LATE_S) return warn(name, waits, remedy(taking));
  if (synchronized === false) {
    return warn(
      name,
      `its clock is not synchronized, and ${batches(queue)} wait for that, up to ten minutes; ${waits}`,
      "let it reach a time server",
    );
  }
  return ok(name, `${spoolBatches === 0 ? "nothing waits" : waits}; ${sent(figures)}`);
}

function remedy(taking: boolean): string {
  return taking ? "look again in a minute: if the age grows, see the log of the ingest" : "see the ingest above";
}

/** What went through an ingest since it started, as far as it tells. */
function stored({ points: durable, batches: taken, acks, queue }: PipelineFigures): string {
  return told([
    durable === undefined ? undefined : `${points(durable)} stored`,
    taken === undefined ? undefined : batches(taken),
    acks === undefined ? undefined : `${acks} acknowledgements`,
    queue === undefined ? undefined : `${queue} in memory`,
  ]);
}

/** What an agent sent since it started, as far as it tells. */
function sent({ points: recorded, acks, dropped }: PipelineFigures): string {
  return told([
    recorded === undefined ? undefined : `${points(recorded)} recorded`,
    acks === undefined ? undefined : `${batches(acks)} acknowledged`,
    dropped === undefined ? undefined : "nothing dropped",
  ]);
}

function told(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(", ") || "it tells no figures";
}

function points(count: number): string {
  return count === 1 ? "1 point" : `${count} points`;
}

function batches(count: number): string {
  return count === 1 ? "1 batch" : `${count} batches`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (${reason})`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
