import type { Artifact, Catalogue, CatalogueModel, Command, Operation, Precision } from "@edgewatt/protocol";
import { benchmarkArguments, quantizeArguments } from "../vendor/protocol/job-arguments.js";
import { counted } from "../vendor/protocol/counted.js";

/** What somebody chose in the form. */
export interface Choice {
  readonly models: readonly CatalogueModel[];
  readonly precisions: readonly Precision[];
  readonly quick: boolean;
  /** Windows per row; `undefined`: as many as the method says. */
  readonly windows: number | undefined;
}

/** A group of the form that not every operation has. */
type ChoiceField = "precisions" | "method";

/** Something that a device can be asked to do from the page. */
export interface PageOperation {
  readonly op: Operation;
  readonly title: string;
  readonly explanation: string;
  readonly fields: readonly ChoiceField[];
  /** Arguments of the jobs of one device, in order. */
  readonly jobs: (choice: Choice, catalogue: Catalogue) => readonly Command["args"][];
  /** What one device will do, in words. */
  readonly describe: (choice: Choice) => string;
}

/** Every operation that the form offers; another one is another entry. */
export const OPERATIONS: readonly PageOperation[] = [
  {
    op: "benchmark",
    title: "Benchmark",
    explanation:
      "Latency, power, energy, memory and accuracy of models, a row each. What int8 needs is quantized first.",
    fields: ["precisions", "method"],
    jobs: ({ models, precisions, quick, windows }, catalogue) => [
      benchmarkArguments(
        { ...inputsOf(models, catalogue), models: models.map(({ artifact }) => artifact), precisions },
        { quick, ...(windows === undefined ? {} : { windows }) },
      ),
    ],
    describe: ({ models, precisions }) => `one job of ${counted(models.length * precisions.length, "row")}`,
  },
  {
    op: "quantize",
    title: "Quantize",
    explanation: "An int8 form of each model, made for the device's processor, and what it loses.",
    fields: [],
    jobs: ({ models }, catalogue) =>
      models.map((model) => quantizeArguments({ ...inputsOf([model], catalogue), model: model.artifact }, {})),
    describe: ({ models }) => counted(models.length, "job"),
  },
];

/** The data set that all models take, where it is here; calibration is synthetic without one, and results say so. */
function inputsOf(models: readonly CatalogueModel[], { datasets, upload }: Catalogue) {
  const [name = null, ...others] = new Set(models.map(({ dataset }) => dataset));
  const found = name === null || others.length > 0 ? undefined : datasets[name];
  const calibration = found?.calibration ?? null;
  return {
    evaluation: found?.evaluation ?? undefined,
    calibration: calibration === null ? ({ kind: "synthetic" } as const) : asCalibration(calibration),
    upload,
  };
}

function asCalibration(artifact: Artifact) {
  return { ...artifact, kind: artifact.kind === "npy" ? ("npy" as const) : ("cifar" as const) };
}
