import { CIFAR10_NAME } from "@edgewatt/registry/datasets";

export { CIFAR10_CALIBRATION, CIFAR10_EVALUATION } from "@edgewatt/registry/datasets";

/** A labelled data set that can be downloaded. */
export interface DatasetSource {
  readonly name: string;
  readonly url: string;
  /** Of the archive, as its publisher names it. */
  readonly md5: string;
  /** Archive members without their top folder; all must be there after unpacking. */
  readonly files: readonly string[];
}

const BATCHES = [1, 2, 3, 4, 5].map((index) => `data_batch_${index}.bin`);

/** https://www.cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version". */
export const CIFAR10: DatasetSource = {
  name: CIFAR10_NAME,
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  md5: "c32a1d4ab5d03f1284b67883e8d87530",
  files: [...BATCHES, "test_batch.bin", "batches.meta.txt"],
};

/** Every data set that edgewatt knows. */
export const CATALOGUE: readonly DatasetSource[] = [CIFAR10];
