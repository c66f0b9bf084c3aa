import type { Stream } from "./names.ts";

/** InfluxDB's field types that edgewatt uses; a field never changes its type. */
export type FieldType = "float" | "integer" | "string" | "boolean";

/** Units are spelled as in the SI brochure, or `1` for a pure number; text has none. */
export type Unit =
  | "W"
  | "V"
  | "A"
  | "ms"
  | "s"
  | "mJ"
  | "MB"
  | "MHz"
  | "°C"
  | "%"
  | "dB"
  | "pt"
  | "points"
  | "1"
  | "epoch ms"
  | "text";

/** What the values of an interval become where only one is kept of it; `last` for what has no mean. */
export type Aggregate = "mean" | "min" | "max" | "sum" | "last";

export interface Field {
  /** The InfluxDB field. */
  readonly name: string;
  /** The column of a telemetry batch that it comes from. */
  readonly column: string;
  readonly type: FieldType;
  readonly unit: Unit;
  readonly description: string;
  readonly aggregate: Aggregate;
}

/** How the tag of a point is found: the topic, the key in `ch`, or a column of the batch. */
export interface Tag {
  readonly name: string;
  readonly from: "device" | "channel" | { readonly column: string };
}

export interface Measurement {
  readonly name: string;
  readonly description: string;
  /** The stream that carries it. */
  readonly stream: Stream;
  /** Samples come at a rate and thin out into means with age; a record is of one moment and is kept as it is. */
  readonly kind: "samples" | "record";
  readonly tags: readonly Tag[];
  readonly fields: readonly Field[];
}

const device: Tag = { name: "device", from: "device" };
const column = (name: string): Tag => ({ name, from: { column: name } });

function field(
  name: string,
  columnName: string,
  type: FieldType,
  unit: Unit,
  description: string,
  aggregate: Aggregate = type === "float" ? "mean" : "last",
): Field {
  return { name, column: columnName, type, unit, description, aggregate };
}

const run = field("run", "run", "string", "text", "The run that the point belongs to, job/index");

const power: Measurement = {
  name: "power",
  description: "Electrical power of a channel, means over a tenth of a second or less",
  stream: "power",
  kind: "samples",
  tags: [device, { name: "channel", from: "channel" }, column("source")],
  fields: [
    field("watts", "w", "float", "W", "Mean power"),
    field("watts_min", "wMin", "float", "W", "Smallest raw sample", "min"),
    field("watts_max", "wMax", "float", "W", "Largest raw sample", "max"),
    field("volts", "v", "float", "V", "Mean supply voltage"),
    field("amps", "a", "float", "A", "Mean current"),
    run,
  ],
};

const inference: Measurement = {
  name: "inference",
  description: "One inference in a measured window",
  stream: "inference",
  kind: "samples",
  tags: [device, column("model"), column("precision")],
  fields: [field("latency_ms", "latencyMs", "float", "ms", "Time of one run of the model"), run],
};

const system: Measurement = {
  name: "system",
  description: "State of the machine",
  stream: "system",
  kind: "samples",
  tags: [device],
  fields: [
    field("cpu_pct", "cpuPct", "float", "%", "CPU use over all cores"),
    field("temp_c", "tempC", "float", "°C", "Temperature of the processor"),
    field("freq_mhz", "freqMhz", "float", "MHz", "Clock of the fastest core"),
    field("mem_mb", "memMb", "float", "MB", "Memory in use"),
    field("load1", "load1", "float", "1", "Load average over a minute"),
    field("throttled", "throttled", "integer", "1", "Firmware's throttling bits, 0 = none", "max"),
  ],
};

const runEvent: Measurement = {
  name: "run_event",
  description: "The window of a run, for annotations",
  stream: "event",
  kind: "record",
  tags: [device, column("kind")],
  fields: [
    field("title", "title", "string", "text", "What ran"),
    field("text", "text", "string", "text", "Details for people"),
    field("tags", "tags", "string", "text", "Comma-separated tags of the annotation"),
    field("time_end", "timeEnd", "integer", "epoch ms", "End of the region"),
    run,
  ],
};

const gap: Measurement = {
  name: "gap",
  description: "Points that were dropped before they became durable",
  stream: "event",
  kind: "record",
  tags: [device, column("stream")],
  fields: [
    field(
      "lost",
      "lost",
      "integer",
      "points",
      "Points lost; at least one for a batch that the disk does not give back",
      "sum",
    ),
  ],
};

const runSummary: Measurement = {
  name: "run_summary",
  description: "A row of the results table",
  stream: "summary",
  kind: "record",
  tags: [device, column("model"), column("precision"), column("pruning")],
  fields: [
    field("pruning_fraction", "pruningFraction", "float", "1", "Share of the channels pruned"),
    field("fine_tune_epochs", "fineTuneEpochs", "integer", "1", "Epochs of fine-tuning after pruning"),
    field("params", "params", "integer", "1", "Parameters of the float model before folding"),
    field("file_size_mb", "fileSizeMb", "float", "MB", "Size of the model file"),
    field("max_memory_mb", "maxMemoryMb", "float", "MB", "Peak resident memory of the runner"),
    field("memory_baseline_mb", "memoryBaselineMb", "float", "MB", "Resident memory before the model is loaded"),
    field("memory_session_mb", "memorySessionMb", "float", "MB", "What the runtime takes for its first session"),
    field(
      "memory_model_mb",
      "memoryModelMb",
      "float",
      "MB",
      "Peak memory above runtime and first session: the model with its arena",
    ),
    field("latency_ms", "latencyMs", "float", "ms", "Mean latency per image"),
    field("latency_p50_ms", "latencyP50Ms", "float", "ms", "Median latency per image"),
    field("latency_p95_ms", "latencyP95Ms", "float", "ms", "95th percentile of latency per image"),
    field("latency_p99_ms", "latencyP99Ms", "float", "ms", "99th percentile of latency per image"),
    field("latency_half_width_ms", "latencyHalfWidthMs", "float", "ms", "95 % confidence half-width of the mean"),
    field("image_ms", "imageMs", "float", "ms", "Window duration per image"),
    field("max_power_w", "maxPowerW", "float", "W", "Largest raw power sample in the windows"),
    field("max_power_10ms_w", "maxPower10msW", "float", "W", "Largest mean over 10 ms in the windows"),
    field("mean_power_w", "meanPowerW", "float", "W", "Mean power in the windows"),
    field("idle_power_w", "idlePowerW", "float", "W", "Mean power before and after the windows"),
    field("energy_gross_mj", "energyGrossMj", "float", "mJ", "All energy of the window per image"),
    field("energy_gross_half_width_mj", "energyGrossHalfWidthMj", "float", "mJ", "95 % half-width of gross energy"),
    field("energy_gross_repetition_mj", "energyGrossRepetitionMj", "float", "mJ", "Its part from repetition"),
    field("energy_gross_meter_mj", "energyGrossMeterMj", "float", "mJ", "Its part from the meter's limits of error"),
    field("energy_net_mj", "energyNetMj", "float", "mJ", "Energy above idle per image"),
    field("energy_net_half_width_mj", "energyNetHalfWidthMj", "float", "mJ", "95 % half-width of net energy"),
    field("energy_net_repetition_mj", "energyNetRepetitionMj", "float", "mJ", "Its part from repetition"),
    field("energy_net_meter_mj", "energyNetMeterMj", "float", "mJ", "Its part from the meter's limits of error"),
    field("accuracy_pct", "accuracyPct", "float", "%", "Top-1 accuracy on the test images"),
    field(
      "power_source",
      "powerSource",
      "string",
      "text",
      "Meter of the power figures, or the model that they are estimated by",
    ),
    field("flags", "flags", "string", "text", "What to know before using the row"),
    run,
  ],
};

const deviceState: Measurement = {
  name: "device",
  description: "What the agent is doing",
  stream: "system",
  kind: "samples",
  tags: [device],
  fields: [
    field("state", "state", "string", "text", "online or measuring"),
    field("job", "job", "string", "text", "The running job, empty when idle"),
    field("job_state", "jobState", "string", "text", "Its state"),
    field("sync", "sync", "boolean", "1", "Whether the clock is synchronized"),
  ],
};

const layer: Measurement = {
  name: "layer",
  description: "Importance of a layer relative to the others",
  stream: "summary",
  kind: "record",
  tags: [device, column("model"), column("precision"), column("layer")],
  fields: [
    field("index", "index", "integer", "1", "Position of the layer"),
    field("time_pct", "timePct", "float", "%", "Share of the inference time"),
    field("energy_pct", "energyPct", "float", "%", "Share of the energy, apportioned by time"),
    field("weights_pct", "weightsPct", "float", "%", "Share of the weights"),
    field("sqnr_db", "sqnrDb", "float", "dB", "Signal-to-quantization-noise with only this layer quantized"),
    field("accuracy_drop_pt", "accuracyDropPt", "float", "pt", "Accuracy lost with only this layer quantized"),
    run,
  ],
};

const pipeline: Measurement = {
  name: "pipeline",
  description: "Telemetry on its way: each service and each agent reports its own counts every 10 s",
  stream: "system",
  kind: "samples",
  tags: [
    { name: "service", from: { column: "service" } },
    { name: "id", from: { column: "id" } },
    { name: "device", from: { column: "device" } },
  ],
  fields: [
    field("points", "points", "integer", "points", "Points written since the last report", "sum"),
    field("acks", "acks", "integer", "1", "Acknowledgements sent, or batches that were acknowledged", "sum"),
    field("batches", "batches", "integer", "1", "Batches handled", "sum"),
    field("spool_batches", "spoolBatches", "integer", "1", "Batches that wait to become durable", "max"),
    field("spool_age_s", "spoolAgeS", "float", "s", "Age of the oldest of them", "max"),
    field("dropped", "dropped", "integer", "points", "Points dropped", "sum"),
    field(
      "dead_letters",
      "deadLetters",
      "integer",
      "points",
      "Points the database refused, and batches that cannot be read",
      "sum",
    ),
    field("queue", "queue", "integer", "1", "Batches in memory", "max"),
  ],
};

/** Every measurement of edgewatt: what ingest writes and dashboards read. */
export const MEASUREMENTS = {
  power,
  inference,
  system,
  runEvent,
  gap,
  runSummary,
  deviceState,
  layer,
  pipeline,
} as const satisfies Record<string, Measurement>;

/**
 * The measurement that a channel of a batch belongs to: all of stream `power` is `power`; elsewhere the key names it
 * up to its first slash. `undefined` when this version does not know it.
 */
export function measurementOf(stream: Stream, channelKey: string): Measurement | undefined {
  if (stream === "power") return power;
  const [name] = channelKey.split("/");
  return Object.values<Measurement>(MEASUREMENTS).find((m) => m.stream === stream && m.name === name);
}
