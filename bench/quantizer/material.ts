import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeModel, openCalibration } from "@edgewatt/onnx";
import { datasetsFolder, ROOT } from "../paths.ts";

/** A float model of the zoo and how its images are normalized. */
export interface ZooModel {
  readonly name: string;
  readonly path: string;
  readonly input: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The same images for both sides. */
export interface CalibrationImages {
  readonly kind: "cifar" | "npy";
  readonly path: string;
  /** What a note says of them. */
  readonly label: string;
}

interface Manifest {
  readonly models: readonly {
    readonly name: string;
    readonly file: string;
    readonly input: { readonly name: string; readonly mean: readonly number[]; readonly std: readonly number[] };
  }[];
}

/** MobileNetV1, the least pruned first. */
export async function zooModels(): Promise<ZooModel[]> {
  const folder = join(ROOT, "models");
  const { models } = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as Manifest;
  return models.map(({ name, file, input }) => ({
    name,
    path: join(folder, file),
    input: input.name,
    mean: input.mean,
    std: input.std,
  }));
}

/** A file of CIFAR-10 where the data set is there. */
export function cifarFile(name: "data_batch_1.bin" | "test_batch.bin"): string | undefined {
  const folder = datasetsFolder();
  const path = folder === undefined ? undefined : join(folder, "cifar10", name);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** CIFAR-10's first training images, or, without the data set, generated ones in a `.npy` file in `folder`. */
export async function calibrationImages(model: ZooModel, images: number, folder: string): Promise<CalibrationImages> {
  const cifar = cifarFile("data_batch_1.bin");
  if (cifar !== undefined) return { kind: "cifar", path: cifar, label: `${images} CIFAR-10 images` };
  const path = join(folder, "synthetic.npy");
  const { inputs } = await describeModel(model.path);
  const source = await openCalibration("synthetic", { inputs, images, mean: model.mean, std: model.std });
  const sides = (inputs[0]?.shape ?? []).slice(1).map(Number);
  await using file = await open(path, "w");
  await file.write(npyHeader([images, ...sides]));
  for await (const { feeds } of source.batches({ batchSize: 50 })) {
    const data = feeds[model.input]?.data;
    if (data instanceof Float32Array) await file.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return { kind: "npy", path, label: `${images} generated images, as CIFAR-10 is not there` };
}

/** Version 1.0 of the format (numpy.lib.format): the header is padded so that the data begins at a multiple of 64. */
function npyHeader(shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, " ");
  header.write("\u0093NUMPY\u0001\u0000", 0, "latin1");
  header.writeUInt16LE(length, 8);
  header.write(text, 10, "latin1");
  header.write("\n", 10 + length - 1, "latin1");
  return header;
}
