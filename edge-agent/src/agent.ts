import path from "node:path";
import { encodeMessage, formatTopic, type JobEvent, type JobState } from "@edgewatt/protocol";
import type { Clock, Logger, RunningService } from "@edgewatt/runtime";
import { ArtifactStore } from "./artifacts/store.ts";
import { megabytes, type AgentConfig } from "./config.ts";
import { ClockSync } from "./device/clock-sync.ts";
import { buildInfo } from "./device/info.ts";
import { SystemProbe } from "./device/system-state.ts";
import { openHome } from "./home.ts";
import type { Operations } from "./jobs/admission.ts";
import { Jobs } from "./jobs/jobs.ts";
import type { Operation } from "./jobs/operation.ts";
import { joinBroker } from "./join.ts";
import { listenTo } from "./listen.ts";
import { Measuring } from "./measure/measuring.ts";
import { MeterFactStore } from "./measure/meter-facts.ts";
import { SupplyVoltage } from "./measure/supply-voltage.ts";
import { agentHealth, agentMetrics } from "./metrics.ts";
import { createBenchmark } from "./operations/benchmark.ts";
import { createPrune } from "./operations/prune.ts";
import { createQuantize } from "./operations/quantize.ts";
import { createSensitivity } from "./operations/sensitivity.ts";
import type { Workbench } from "./operations/workbench.ts";
import { splitCores } from "./process/cores.ts";
import { ReadingCounts } from "./sampler/reading-counts.ts";
import { Sampler } from "./sampler/sampler.ts";
import { chooseMeters, tableChannel } from "./sensors/choose-meters.ts";
import { readFigures } from "./telemetry/figures.ts";
import { Live } from "./telemetry/live.ts";
import { Observer } from "./telemetry/observer.ts";
import { PipelineLive } from "./telemetry/pipeline-live.ts";
import { PipelineReport } from "./telemetry/pipeline-report.ts";
import { IngestWatch } from "./telemetry/sending/ingest-watch.ts";
import { Sender } from "./telemetry/sending/sender.ts";
import { spoolFault } from "./telemetry/spool/disk-health.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { WaitingDrafts } from "./telemetry/waiting/waiting-drafts.ts";

const DRAIN_MS = 10_000;

export interface AgentContext {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Path under which `/proc`, `/sys` and `/run` are found. */
  readonly root?: string;
}

/** Starts the agent. @throws {UnreachableError} when the broker is not there within 5 s */
export async function startAgent({ config, log, clock, signal, root = "" }: AgentContext): Promise<RunningService> {
  const { device } = config;
  const context = { config, log, clock, signal, root };
  const home = await openHome(context);
  const { spool } = home;
  const { mqtt, presence, boot, remembered } = await joinBroker(home, context);
  const nowMs = () => Math.round(clock.nowUs() / 1000);
  const clockSync = new ClockSync(root, () => clock.monotonicUs());

  const ingest = new IngestWatch(() => sender.resend());
  const sender = new Sender({ device, spool, mqtt, clock, log, ingestOnline: () => ingest.online });
  const measuring = new Measuring((strict) => {
    sender.pause(strict !== undefined);
    presence.setMeasuringUntil(strict?.untilMs);
  });
  let toldSynchronized: boolean | undefined;
  const clockSynchronized = () => {
    const synchronized = clockSync.isSynchronized(measuring.active);
    if (toldSynchronized !== undefined && toldSynchronized !== synchronized) queueMicrotask(tellInfo);
    toldSynchronized = synchronized;
    return synchronized;
  };
  const waiting = new WaitingDrafts({ waitingLog: home.waitingLog, clock, log });
  const telemetry = new Telemetry({ boot, spool, sender, waiting, clock, log, clockSynchronized });
  const figures = () => readFigures({ spool, sender, telemetry, waiting, clock });
  const pipeline = new PipelineReport(device, { telemetry, clock, figures });
  const live = new Live(device, boot, mqtt);
  const spoolCapBytes = megabytes(config.spoolMb);
  const pipelineLive = new PipelineLive({ figures, spoolCapBytes, live, measuring, clock });
  const readings = new ReadingCounts();
  const probe = new SystemProbe(root);
  const cores = splitCores(root);
  const meters = chooseMeters(config, root);
  const table = tableChannel(meters, config.channel);
  let running: JobState | undefined;
  /** Of jobs, by code. */
  const faults = new Map<string, string>();
  const supply = new SupplyVoltage();
  const observer = new Observer({
    telemetry,
    live,
    measuring,
    supply,
    probe,
    clock,
    clockSynchronized,
    job: () => running,
  });
  const sampler = new Sampler({
    start: { meters, root },
    cores: cores.sampler,
    log,
    clock,
    telemetryHz: config.telemetryHz,
    onIntervals: (channel, block) => observer.power(channel, block),
    onChange: () => tellInfo(),
    counts: readings,
  });

  const info = () => {
    const ofSpool = spoolFault(spool.disk);
    return buildInfo({
      boot,
      ts: nowMs(),
      root,
      channels: [
        sampler.channel(table.channel),
        ...sampler.channels.filter(({ channel }) => channel !== table.channel),
      ],
      cores,
      operations: [...operations.keys()],
      clockSynchronized: clockSynchronized(),
      faults: [
        ...[...faults].map(([code, message]) => ({ code, message })),
        ...(ofSpool === undefined ? [] : [ofSpool]),
      ],
    });
  };
  const publish = (topic: Parameters<typeof formatTopic>[0], payload: string, retain: boolean) =>
    mqtt.publish(formatTopic(topic), payload, { qos: 1, retain });
  const publishInfo = () => {
    if (!mqtt.connected) return;
    publish({ kind: "info", device }, encodeMessage("info", info()), true).catch((error: unknown) =>
      log.debug({ reason: String(error) }, "info was not published"),
    );
  };
  /** Not in a stretch that is measured. */
  const tellInfo = () => measuring.afterStretch(publishInfo);

  const publishEvent = (event: JobEvent) => {
    log.info({ job: event.job }, event.message);
    publish({ kind: "jobEvent", device, job: event.job }, encodeMessage("jobEvent", event), false).catch(() => {});
  };

  const bench: Workbench = {
    device,
    power: table,
    store: new ArtifactStore(home.artifacts, clock),
    made: home.made,
    sampler,
    supply,
    traces: home.traces,
    telemetry,
    measuring,
    meterFacts: new MeterFactStore(path.join(home.folder, "meters.json"), nowMs),
    probe,
    cores,
    clock,
    info,
  };
  const operations: Operations = new Map(
    [createQuantize(bench), createPrune(bench), createBenchmark(bench), createSensitivity(bench)].map((operation) => [
      operation.name,
      operation as Operation,
    ]),
  );
  const jobs = new Jobs({
    ...home.jobs,
    remembered,
    operations,
    boot,
    clock,
    log,
    clockSynchronized,
    publishState: (state) =>
      publish({ kind: "jobState", device, job: state.job }, encodeMessage("jobState", state), true),
    publishEvent,
    async takeBack({ op, job }) {
      await publish({ kind: "jobState", device, job }, "", true);
      await publish({ kind: "command", device, op, job }, "", true);
    },
    onFault: ({ code, job, message }) => {
      if (message === undefined) faults.delete(code);
      else {
        faults.set(code, message);
        publishEvent({ v: 1, job, ts: nowMs(), level: "error", message: message.slice(0, 2000) });
      }
      tellInfo();
    },
    onRunning: (state) => {
      running = state;
      telemetry.setJob(state?.job);
    },
  });

  const announce = () => {
    presence.connected(mqtt);
    publishInfo();
    jobs.publishOpen();
    sender.resend();
  };
  const stop = async () => {
    await jobs.stop();
    await sampler.stop();
    observer.stop();
    pipeline.stop();
    pipelineLive.stop();
    await telemetry.stop();
    const drained = await sender.drain(DRAIN_MS);
    if (!drained && ingest.online) {
      log.warn(
        { batches: spool.batches },
        "some telemetry is not acknowledged yet and waits on disk for the next start",
      );
    }
    await spool.close();
    await presence.leave().catch((error: unknown) => log.debug({ reason: String(error) }, "no goodbye"));
    await mqtt.close();
    await home.lock?.release();
  };
  try {
    await listenTo(mqtt, device, { presence, ingest, sender, jobs, log });
  } catch (error) {
    // The connection was lost again: what runs by now would keep the process alive.
    await stop();
    throw error;
  }
  spool.onDiskChange(tellInfo);
  mqtt.onConnect(announce);
  if (mqtt.connected) announce();

  const parts = {
    connected: () => mqtt.connected,
    ingestOnline: () => ingest.online,
    clockSynchronized,
    telemetry: figures,
    spoolCapBytes,
    jobs: () => jobs.countByState(),
    channels: () => sampler.channels,
    readings,
    monotonicUs: () => clock.monotonicUs(),
  };
  return {
    ready: { device },
    observation: { metrics: agentMetrics(parts), health: () => agentHealth(parts) },
    stop,
  };
}
