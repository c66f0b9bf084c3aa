import type { PowerSource, ResultRow } from "@edgewatt/protocol";
import type { Columns } from "../telemetry/batches/batcher.ts";

/** A row of the results table as columns of measurement `run_summary`. */
export function runSummary(row: ResultRow, powerSource: PowerSource): Columns {
  const { latencyMs, energyMj } = row;
  return {
    model: row.model,
    precision: row.precision,
    pruning: row.pruning === null ? "unknown" : String(row.pruning),
    pruningFraction: row.pruning,
    fineTuneEpochs: row.fineTuneEpochs,
    params: row.params,
    fileSizeMb: row.fileSizeMb,
    maxMemoryMb: row.maxMemoryMb,
    memoryBaselineMb: row.memoryBaselineMb,
    memorySessionMb: row.memorySessionMb ?? null,
    memoryModelMb: row.memoryModelMb ?? null,
    latencyMs: latencyMs.mean,
    latencyP50Ms: latencyMs.p50,
    latencyP95Ms: latencyMs.p95,
    latencyP99Ms: latencyMs.p99,
    latencyHalfWidthMs: latencyMs.halfWidth95,
    imageMs: row.imageMs,
    maxPowerW: row.maxPowerW,
    maxPower10msW: row.maxPower10msW ?? null,
    meanPowerW: row.meanPowerW,
    idlePowerW: row.idlePowerW,
    energyGrossMj: energyMj.gross,
    energyGrossHalfWidthMj: energyMj.grossHalfWidth95,
    energyGrossRepetitionMj: energyMj.grossRepetition95 ?? null,
    energyGrossMeterMj: energyMj.grossMeter95 ?? null,
    energyNetMj: energyMj.net,
    energyNetHalfWidthMj: energyMj.netHalfWidth95,
    energyNetRepetitionMj: energyMj.netRepetition95 ?? null,
    energyNetMeterMj: energyMj.netMeter95 ?? null,
    accuracyPct: row.accuracyPct,
    powerSource,
    flags: row.flags.join("; "),
    run: row.run,
  };
}
