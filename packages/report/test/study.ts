import { RESULTS_SCHEMA, type Precision, type ResultRow, type Results } from "@edgewatt/protocol";

interface Options {
  readonly source?: "estimate" | "ina219" | null;
  readonly accuracy?: boolean;
  readonly device?: string;
  readonly created?: string;
}

const MODELS = [
  { pruning: 0, fineTuneEpochs: 0, params: 3_217_226, scale: 1, accuracy: 91.2 },
  { pruning: 0.05, fineTuneEpochs: 5, params: 2_902_069, scale: 0.93, accuracy: 91.05 },
  { pruning: 0.1, fineTuneEpochs: 5, params: 2_606_173, scale: 0.87, accuracy: 90.8 },
  { pruning: 0.2, fineTuneEpochs: 5, params: 2_066_884, scale: 0.74, accuracy: 90.1 },
  { pruning: 0.3, fineTuneEpochs: 5, params: 1_588_917, scale: 0.6, accuracy: 88.9 },
  { pruning: 0.4, fineTuneEpochs: 5, params: 1_174_647, scale: 0.56, accuracy: 87.1 },
] as const;

/** A document of the shape that the demo makes: six models in two precisions, figures made up for rendering only. */
export function study({ source = "estimate", accuracy = true, device = "pi-1", created }: Options = {}): Results {
  return {
    schema: RESULTS_SCHEMA,
    created: created ?? "2026-11-23T06:00:00.000Z",
    devices: [
      {
        id: device,
        board: "Raspberry Pi 5 Model B Rev 1.0",
        cpu: "Cortex-A76",
        cores: 4,
        governor: "performance",
        os: "Debian GNU/Linux 13",
        node: "20.20.2",
        onnxruntime: "1.30.0",
        power: source === null ? null : { source, channel: "main", rateHz: 10, settings: { idleW: 2.7, fullW: 7.1 } },
      },
    ],
    method: {
      quick: true,
      windows: 3,
      windowS: 2,
      threads: 3,
      batch: 1,
      accuracyImages: accuracy ? 2000 : 0,
      calibration: { kind: "synthetic", images: 256 },
    },
    rows: MODELS.flatMap((model) =>
      (["fp32", "int8"] as const).map((precision) => row(model, precision, { source, accuracy, device })),
    ),
  };
}

function row(
  model: (typeof MODELS)[number],
  precision: Precision,
  options: Required<Omit<Options, "created">>,
): ResultRow {
  const latency = 18.4 * model.scale * (precision === "int8" ? 0.45 : 1);
  const power = options.source !== null;
  const meanPowerW = 5.214;
  const idlePowerW = 2.83;
  const metered = options.source === "ina219";
  const gross = { repetition: latency * 0.15, meter: metered ? meanPowerW * latency * 1.01 * 0.014 : null };
  const net = { repetition: latency * 0.2, meter: metered ? latency * 0.03 : null };
  return {
    device: options.device,
    model: `mobilenetv1-cifar10-p${String(model.pruning * 100).padStart(2, "0")}`,
    pruning: model.pruning,
    fineTuneEpochs: model.fineTuneEpochs,
    precision,
    params: model.params,
    fileSizeMb: (model.params * (precision === "int8" ? 1.1 : 4)) / 1e6,
    maxMemoryMb: 96.43 - 20 * (1 - model.scale),
    memoryBaselineMb: 54.1,
    memoryModelMb: 42.33 - 20 * (1 - model.scale),
    latencyMs: {
      mean: latency,
      p50: latency * 0.99,
      p95: latency * 1.1,
      p99: latency * 1.3,
      halfWidth95: latency * 0.02,
    },
    maxPowerW: power ? 6.3 : null,
    maxPowerBandwidthHz: metered ? 416.4 : null,
    maxPower10msW: metered ? 5.91 : null,
    meanPowerW: power ? meanPowerW : null,
    idlePowerW: power ? idlePowerW : null,
    imageMs: latency * 1.01,
    energyMj: {
      gross: power ? meanPowerW * latency * 1.01 : null,
      grossHalfWidth95: power ? Math.hypot(gross.repetition, gross.meter ?? 0) : null,
      grossRepetition95: power ? gross.repetition : null,
      grossMeter95: gross.meter,
      net: power ? (meanPowerW - idlePowerW) * latency * 1.01 : null,
      netHalfWidth95: power ? Math.hypot(net.repetition, net.meter ?? 0) : null,
      netRepetition95: power ? net.repetition : null,
      netMeter95: net.meter,
    },
    accuracyPct: options.accuracy ? model.accuracy - (precision === "int8" ? 0.3 : 0) : null,
    factors: { threads: 3, spinning: false, batch: 1 },
    flags: [
      "quick: short windows, not a result to cite",
      ...(options.accuracy ? [] : ["no-accuracy: no labelled test set was given"]),
      ...(power ? [] : ["no-power: the device has no power source"]),
    ],
    run: "01KAQ/0",
  };
}
