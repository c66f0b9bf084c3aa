import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCifar, openSession, readModel, writeModel, type DataSource, type Session } from "@edgewatt/onnx";
import { quantize, type CalibrationMethod, type Technique } from "@edgewatt/quantizer";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { cifarFile, zooModels, type ZooModel } from "./material.ts";
import { unbalance } from "./unbalance.ts";

const CALIBRATION_IMAGES = 256;
const TEST_IMAGES = 10_000;
const EVALUATION_BATCH = 100;

interface Tried {
  readonly method: CalibrationMethod;
  readonly techniques: readonly Technique[];
}

/** The first is what the others are compared with. */
const ALL: readonly [Tried, ...Tried[]] = [
  { method: "minmax", techniques: [] },
  { method: "auto", techniques: [] },
  { method: "auto", techniques: ["equalization"] },
  { method: "auto", techniques: ["equalization", "bias-absorption"] },
  { method: "auto", techniques: ["bias-correction"] },
  { method: "auto", techniques: ["rounding"] },
  { method: "auto", techniques: ["rounding", "bias-correction"] },
  { method: "auto", techniques: ["equalization", "rounding", "bias-correction"] },
];

/** What each technique of the quantizer adds, on models of the zoo and on one whose channels were rescaled by factors from 0.1 to 10. */
export const ablation: Suite = { run: measure };

async function* measure({ signal, say }: BenchContext): AsyncGenerator<BenchResult> {
  const [training, test] = [cifarFile("data_batch_1.bin"), cifarFile("test_batch.bin")];
  if (training === undefined || test === undefined) {
    yield unmeasured(
      "quantizer/ablation",
      "dB",
      "needs the labelled images of CIFAR-10: edgewatt datasets fetch cifar10",
    );
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-quantizer-"));
  const rows: Row[] = [];
  try {
    for (const model of await ablatedModels(folder)) {
      await using float = await openSession(model.path);
      const { inputs } = float;
      const normalized = { inputs, mean: model.mean, std: model.std };
      const calibration = await openCifar(training, { ...normalized, images: CALIBRATION_IMAGES });
      const expected = await runOn(float, await openCifar(test, { ...normalized, images: TEST_IMAGES }), signal);
      for (const perTensor of [false, true]) {
        let baseDb: number | undefined;
        for (const tried of ALL) {
          const output = join(folder, "int8.onnx");
          await quantize({ input: model.path, output, calibration, format: "u8s8", perTensor, signal, ...tried });
          await using int8 = await openSession(output);
          const found = await runOn(int8, await openCifar(test, { ...normalized, images: TEST_IMAGES }), signal);
          const row = { model: model.name, perTensor, tried, ...compareOutputs(expected, found) };
          rows.push(row);
          const { name, note } = describe(row);
          say(`${name}: ${row.sqnrDb.toFixed(2)} dB, ${note}`);
          baseDb ??= row.sqnrDb;
          const peer = { peer: "MinMax alone", peerValue: baseDb };
          yield compare({ name, value: row.sqnrDb, unit: "dB", ...peer, note }, null);
        }
      }
    }
    say(`\n${renderAblation(rows)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The largest and the smallest model of the zoo, and the smallest with its channels rescaled. */
async function ablatedModels(folder: string): Promise<ZooModel[]> {
  const zoo = await zooModels();
  const [first, last] = [zoo[0] as ZooModel, zoo.at(-1) as ZooModel];
  const rescaled = { ...last, name: `${last.name}-rescaled`, path: join(folder, "rescaled.onnx") };
  const model = await readModel(last.path);
  unbalance(model);
  await writeModel(model, rescaled.path, { externalData: false });
  return [first, last, rescaled];
}

interface Row {
  readonly model: string;
  readonly perTensor: boolean;
  readonly tried: Tried;
  readonly sqnrDb: number;
  readonly accuracyPct: number;
  readonly floatPct: number;
}

interface Answers {
  readonly scores: Float32Array;
  readonly labels: Uint8Array;
  readonly classes: number;
}

/** The scores of all images: ten numbers each. */
async function runOn(session: Session, source: DataSource, signal: AbortSignal): Promise<Answers> {
  const output = session.outputs[0]?.name ?? "";
  const labels = new Uint8Array(source.count);
  let scores = new Float32Array(0);
  let classes = 0;
  let done = 0;
  for await (const batch of source.batches({ batchSize: EVALUATION_BATCH, signal })) {
    const found = (await session.run(batch.feeds, undefined, signal))[output];
    if (!(found?.data instanceof Float32Array)) continue;
    classes = found.dims[1] ?? 0;
    if (done === 0) scores = new Float32Array(source.count * classes);
    scores.set(found.data, done * classes);
    labels.set(batch.labels ?? [], done);
    done += batch.count;
  }
  return { scores, labels, classes };
}

function compareOutputs(expected: Answers, found: Answers): Pick<Row, "sqnrDb" | "accuracyPct" | "floatPct"> {
  let [signal, noise] = [0, 0];
  for (const [index, value] of expected.scores.entries()) {
    signal += value ** 2;
    noise += (value - (found.scores[index] ?? 0)) ** 2;
  }
  return {
    sqnrDb: 10 * Math.log10(signal / noise),
    accuracyPct: accuracyPct(found),
    floatPct: accuracyPct(expected),
  };
}

function accuracyPct({ scores, labels, classes }: Answers): number {
  const right = labels.filter((label, index) => {
    const row = scores.subarray(index * classes, (index + 1) * classes);
    return row.indexOf(Math.max(...row)) === label;
  });
  return (100 * right.length) / labels.length;
}

function describe({ model, perTensor, tried, accuracyPct: pct, floatPct }: Row): { name: string; note: string } {
  const scales = perTensor ? "per-tensor" : "per-channel";
  return {
    name: `quantizer/ablation/${model}/${scales}/${[tried.method, ...tried.techniques].join("+")}`,
    note: `accuracy ${pct.toFixed(2)} % (float ${floatPct.toFixed(2)} %) on ${TEST_IMAGES} test images`,
  };
}

/** A Markdown table: a line for each configuration, two columns for each model and kind of scales. */
export function renderAblation(rows: readonly Row[]): string {
  const columnOf = ({ model, perTensor }: Row): string => `${model}, ${perTensor ? "per tensor" : "per channel"}`;
  const columns = [...new Set(rows.map(columnOf))];
  const lines = [...new Set(rows.map(({ tried }) => tried))].map((tried) => {
    const cells = columns.map((column) => {
      const row = rows.find((each) => each.tried === tried && columnOf(each) === column);
      return row === undefined ? "" : `${row.sqnrDb.toFixed(1)} dB · ${row.accuracyPct.toFixed(2)} %`;
    });
    return `| ${[[tried.method, ...tried.techniques].join(" + "), ...cells].join(" | ")} |`;
  });
  const float = columns.map((column) => {
    const row = rows.find((each) => columnOf(each) === column);
    return row === undefined ? "" : `${row.floatPct.toFixed(2)} %`;
  });
  return [
    `| | ${columns.join(" | ")} |`,
    `|---|${columns.map(() => "---:").join("|")}|`,
    `| float | ${float.join(" | ")} |`,
    ...lines,
  ].join("\n");
}
