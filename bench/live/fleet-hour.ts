import { powerColumns } from "../telemetry/stream.ts";

/** What a fleet tells in an hour, as the project's ingest would have written it. */
export interface FleetHour {
  readonly devices: number;
  /** µs since the epoch. */
  readonly fromUs: number;
  readonly seconds: number;
}

const POWER_HZ = 10;
/** Every tenth device measures models: a window of half a minute every five minutes, an image every 12 ms. */
const MEASURING_EACH = 10;
const WINDOW_EVERY_S = 300;
const WINDOW_S = 30;
const IMAGE_US = 12_000;
const PIPELINE_EVERY_S = 10;
/** Every twentieth device has no meter. */
const ESTIMATING_EACH = 20;
const MODELS = ["p00", "p20", "p40", "p50", "p60", "p80"] as const;
const LAYERS = 28;
const US = 1e6;

interface Second {
  readonly device: string;
  readonly index: number;
  readonly second: number;
  readonly tUs: number;
}

/** Lines with timestamps in µs, in the order of time. */
export function* fleetHour({ devices, fromUs, seconds }: FleetHour): Generator<string> {
  for (let second = 0; second < seconds; second++) {
    for (let index = 0; index < devices; index++) {
      // Agents do not tick together.
      const tUs = fromUs + second * US + index * 1_003;
      const at = { device: `pi-${index}`, index, second, tUs };
      yield* powerLines(at);
      yield* stateLines(at);
      if (second % PIPELINE_EVERY_S === 0) yield* pipelineLines(at);
      if (index % MEASURING_EACH === 0 && second % WINDOW_EVERY_S === WINDOW_S) yield* windowLines(at);
    }
    if (second % PIPELINE_EVERY_S === 0) {
      yield `pipeline,id=one,service=ingest points=12000i,acks=400i,batches=2000i,dead_letters=0i,queue=${second % 7}i ${fromUs + second * US}`;
    }
  }
}

const measuring = ({ index, second }: Second): boolean =>
  index % MEASURING_EACH === 0 && second % WINDOW_EVERY_S < WINDOW_S;

const jobOf = ({ index, second }: Second): string =>
  `01ARZ3NDEKTSV4RRFFQ69${String(index).padStart(3, "0")}${String(Math.floor(second / WINDOW_EVERY_S)).padStart(2, "0")}`;

function* powerLines(at: Second): Generator<string> {
  const source = at.index % ESTIMATING_EACH === ESTIMATING_EACH - 1 ? "estimate" : "ina226";
  const { w, wMin, wMax, v, a } = powerColumns(at.second + at.index, POWER_HZ);
  const run = measuring(at) ? `,run="${jobOf(at)}/0"` : "";
  for (let row = 0; row < POWER_HZ; row++) {
    yield `power,channel=main,device=${at.device},source=${source} watts=${w[row]},watts_min=${wMin[row]},watts_max=${wMax[row]},volts=${v[row]},amps=${a[row]}${run} ${at.tUs + (row * US) / POWER_HZ}`;
  }
}

function* stateLines(at: Second): Generator<string> {
  const { device, index, second, tUs } = at;
  const throttled = index % 25 === 0 ? 0x50000 + (second % 600 < 60 ? 5 : 0) : 0;
  yield `system,device=${device} cpu_pct=${20 + (second % 50)},temp_c=${45 + ((second + index) % 200) / 10},freq_mhz=1800,mem_mb=512.5,load1=0.75,throttled=${throttled}i ${tUs}`;
  const busy = measuring(at);
  yield `device,device=${device} state="${busy ? "measuring" : "online"}",job="${busy ? jobOf(at) : ""}",job_state="${busy ? "running" : ""}",sync=true ${tUs}`;
}

function* pipelineLines({ device, index, second, tUs }: Second): Generator<string> {
  yield `pipeline,device=${device},id=${device},service=agent points=120i,acks=40i,batches=40i,dropped=0i,spool_batches=${(second + index) % 5}i,spool_age_s=0.7,queue=1i ${tUs}`;
  if (index % 50 === 7 && second % 1200 === 0) yield `gap,device=${device},stream=power lost=50i ${tUs}`;
}

/** What a window leaves, half a minute after it began. */
function* windowLines(at: Second): Generator<string> {
  const { device, second, tUs } = at;
  const began = { ...at, second: second - WINDOW_S };
  const fromUs = tUs - WINDOW_S * US;
  const model = MODELS[Math.floor(second / WINDOW_EVERY_S) % MODELS.length] ?? MODELS[0];
  const precision = Math.floor(second / WINDOW_EVERY_S) % 2 === 0 ? "fp32" : "int8";
  const run = `${jobOf(began)}/0`;
  for (let n = 0; n * IMAGE_US < WINDOW_S * US; n++) {
    yield `inference,device=${device},model=${model},precision=${precision} latency_ms=${11.5 + ((n * 7919) % 1000) / 1000},run="${run}" ${fromUs + n * IMAGE_US}`;
  }
  yield `run_event,device=${device},kind=window title="${model} ${precision}",text="window 1: 2500 inferences",tags="window,${model},${precision}",time_end=${Math.round(tUs / 1000)}i,run="${run}" ${fromUs}`;
  yield summaryLine(at, model, precision, run);
  for (let layer = 0; layer < LAYERS; layer++) {
    yield `layer,device=${device},layer=conv${layer},model=${model},precision=${precision} index=${layer}i,time_pct=3.5,energy_pct=3.5,weights_pct=3.5,sqnr_db=30,accuracy_drop_pt=0.1,run="${run}" ${tUs}`;
  }
}

function summaryLine({ device, tUs }: Second, model: string, precision: string, run: string): string {
  const pruning = Number(model.slice(1)) / 100;
  const fields = {
    pruning_fraction: pruning,
    fine_tune_epochs: "4i",
    params: `${Math.round(3_200_000 * (1 - pruning))}i`,
    file_size_mb: 12.8,
    max_memory_mb: 80,
    memory_baseline_mb: 50,
    memory_model_mb: 30,
    latency_ms: 12,
    latency_p50_ms: 11.9,
    latency_p95_ms: 12.4,
    latency_p99_ms: 12.5,
    latency_half_width_ms: 0.1,
    image_ms: 12.1,
    max_power_w: 5.1,
    max_power_10ms_w: 5,
    mean_power_w: 4.4,
    idle_power_w: 2.5,
    energy_gross_mj: 53,
    energy_gross_half_width_mj: 1,
    energy_gross_repetition_mj: 0.8,
    energy_gross_meter_mj: 0.6,
    energy_net_mj: 23,
    energy_net_half_width_mj: 1,
    energy_net_repetition_mj: 0.8,
    energy_net_meter_mj: 0.6,
    accuracy_pct: 91.2,
    power_source: '"ina226"',
    flags: '""',
    run: `"${run}"`,
  };
  const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `run_summary,device=${device},model=${model},precision=${precision},pruning=${pruning} ${text.join(",")} ${tUs}`;
}
