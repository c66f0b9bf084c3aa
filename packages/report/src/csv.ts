import type { ResultRow, Results } from "@edgewatt/protocol";
import { stringify } from "csv-stringify/sync";
import { alignOf } from "./align.ts";
import { powerSourceOf } from "./power-source.ts";

type Value = string | number | boolean | null;

const COLUMNS: readonly (readonly [header: string, read: (row: ResultRow, results: Results) => Value])[] = [
  ["device", (row) => row.device],
  ["model", (row) => row.model],
  ["pruning fraction", (row) => row.pruning],
  ["channels in multiples of", alignOf],
  ["fine-tuning epochs", (row) => row.fineTuneEpochs],
  ["params", (row) => row.params],
  ["precision", (row) => row.precision],
  ["file size (MB)", (row) => row.fileSizeMb],
  ["max memory (MB)", (row) => row.maxMemoryMb],
  ["memory before the model (MB)", (row) => row.memoryBaselineMb],
  ["memory of a first session (MB)", (row) => row.memorySessionMb ?? null],
  ["memory of the model (MB)", (row) => row.memoryModelMb ?? null],
  ["proportional set size (MB)", (row) => row.memoryPssMb ?? null],
  ["latency mean (ms)", (row) => row.latencyMs.mean],
  ["latency 95 % half-width (ms)", (row) => row.latencyMs.halfWidth95],
  ["latency min (ms)", (row) => row.latencyMs.min ?? null],
  ["latency p50 (ms)", (row) => row.latencyMs.p50],
  ["latency p90 (ms)", (row) => row.latencyMs.p90 ?? null],
  ["latency p95 (ms)", (row) => row.latencyMs.p95],
  ["latency p99 (ms)", (row) => row.latencyMs.p99],
  ["latency p99.9 (ms)", (row) => row.latencyMs.p999 ?? null],
  ["latency max (ms)", (row) => row.latencyMs.max ?? null],
  ["window per image (ms)", (row) => row.imageMs],
  ["power source", powerSourceOf],
  ["max power (W)", (row) => row.maxPowerW],
  ["max power bandwidth (Hz)", (row) => row.maxPowerBandwidthHz ?? null],
  ["max power over 10 ms (W)", (row) => row.maxPower10msW ?? null],
  ["mean power (W)", (row) => row.meanPowerW],
  ["idle power (W)", (row) => row.idlePowerW],
  ["energy gross (mJ)", (row) => row.energyMj.gross],
  ["energy gross 95 % half-width (mJ)", (row) => row.energyMj.grossHalfWidth95],
  ["energy gross half-width by repetition (mJ)", (row) => row.energyMj.grossRepetition95 ?? null],
  ["energy gross half-width by meter (mJ)", (row) => row.energyMj.grossMeter95 ?? null],
  ["energy net (mJ)", (row) => row.energyMj.net],
  ["energy net 95 % half-width (mJ)", (row) => row.energyMj.netHalfWidth95],
  ["energy net half-width by repetition (mJ)", (row) => row.energyMj.netRepetition95 ?? null],
  ["energy net half-width by meter (mJ)", (row) => row.energyMj.netMeter95 ?? null],
  ["test accuracy (%)", (row) => row.accuracyPct],
  ["threads", (row) => row.factors.threads],
  ["spinning", (row) => row.factors.spinning],
  ["batch", (row) => row.factors.batch],
  ["graph optimization", (row) => row.factors.graphOptimization ?? null],
  ["windows measured", (row) => row.windows?.measured ?? null],
  ["windows with power", (row) => row.windows?.powered ?? null],
  ["readings (1/s)", (row) => row.sampling?.rateHz ?? null],
  ["reading jitter p99 (ms)", (row) => row.sampling?.jitterP99Ms ?? null],
  ["readings missing", (row) => row.sampling?.missing ?? null],
  ["Convs", (row) => row.channels?.layers ?? null],
  ["Convs off the kernels' block", (row) => row.channels?.offLayers ?? null],
  ["temperature before (°C)", (row) => row.temperatureC?.start ?? null],
  ["temperature after (°C)", (row) => row.temperatureC?.end ?? null],
  ["flags", (row) => row.flags.join("; ")],
  ["trace sha256", (row) => row.trace?.sha256 ?? null],
  ["trace url", (row) => row.trace?.url ?? null],
  ["run", (row) => row.run],
];

/**
 * All figures at full precision, RFC 4180 with a header line that names units; empty where a figure was not measured.
 * The power columns are estimates where `power source` is a model: `estimate` or `pmic`.
 */
export function toCsv(results: Results): string {
  const records = results.rows.map((row) => COLUMNS.map(([, read]) => read(row, results)));
  return stringify([COLUMNS.map(([header]) => header), ...records], {
    record_delimiter: "\r\n",
    cast: { boolean: String },
  });
}
