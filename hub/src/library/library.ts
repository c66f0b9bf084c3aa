import path from "node:path";
import type { Artifact, Catalogue, CatalogueModel } from "@edgewatt/protocol";
import { artifactFacts, filesOf, type Model, readRegistry } from "@edgewatt/registry";
import {
  CIFAR10_CALIBRATION,
  CIFAR10_EVALUATION,
  CIFAR10_NAME,
  findLocalData,
  takesCifar,
} from "@edgewatt/registry/datasets";
import type { Logger } from "@edgewatt/runtime";
import { CheckedDigests, type CheckedFile } from "./checked-digests.ts";

export interface LibraryOptions {
  /** The data folder, whose `models` were added. */
  readonly data: string;
  /** Folders in which data sets are looked for, each in a folder of its own. */
  readonly datasets: readonly string[];
  /** Address under which devices reach this hub. */
  readonly url: () => string;
  readonly log: Logger;
}

/** Models of the registry and the data set that fits them, handed out in place: they take no room in the store of artifacts. */
export class Library {
  readonly #options: LibraryOptions;
  readonly #digests = new CheckedDigests();

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  async catalogue(): Promise<Catalogue> {
    const { calibrationFile, evaluationFile } = await findLocalData(this.#options.datasets);
    const calibration = await this.#dataset(calibrationFile, CIFAR10_CALIBRATION);
    const evaluation = await this.#dataset(evaluationFile, CIFAR10_EVALUATION);
    const models = await Promise.all((await this.#models()).map((model) => this.#model(model)));
    return {
      models: models.flatMap((model) => model ?? []),
      datasets: calibration === null && evaluation === null ? {} : { [CIFAR10_NAME]: { calibration, evaluation } },
      upload: new URL("/artifacts", this.#options.url()).href,
    };
  }

  /** The file with these bytes, which have just been checked; `undefined` where none is here. */
  async find(sha256: string): Promise<CheckedFile | undefined> {
    for (const model of await this.#models()) {
      for (const file of filesOf(model)) {
        if (file.sha256 !== sha256) continue;
        const checked = await this.#checked(file);
        if (checked !== undefined) return checked;
      }
    }
    const { calibrationFile, evaluationFile } = await findLocalData(this.#options.datasets);
    for (const file of [calibrationFile, evaluationFile]) {
      const checked = file === undefined ? undefined : await this.#digests.of(file);
      if (checked?.sha256 === sha256) return checked;
    }
    return undefined;
  }

  #models(): Promise<readonly Model[]> {
    return readRegistry(this.#options.data);
  }

  async #model(model: Model): Promise<CatalogueModel | undefined> {
    const [file] = filesOf(model);
    const checked = file === undefined ? undefined : await this.#checked(file);
    if (checked === undefined) return undefined;
    const { name, origin, params, pruning = null } = model;
    return {
      name,
      origin,
      params,
      pruning,
      precisions: ["fp32", "int8"],
      artifact: { ...this.#artifact(checked, name), kind: "model", ...artifactFacts(model) },
      dataset: takesCifar(model) ? CIFAR10_NAME : null,
    };
  }

  /** A file that is not the one that the registry lists would only fail on the device. */
  async #checked({ path: file, sha256 }: { path: string; sha256: string }): Promise<CheckedFile | undefined> {
    const checked = await this.#digests.of(file);
    if (checked?.sha256 === sha256) return checked;
    const why = checked === undefined ? "is missing" : "is another one than its list says";
    this.#options.log.warn({ file, sha256 }, `left out a model whose file ${why}: add it again`);
    return undefined;
  }

  async #dataset(file: string | undefined, name: string): Promise<Artifact | null> {
    const checked = file === undefined ? undefined : await this.#digests.of(file);
    return checked === undefined ? null : { ...this.#artifact(checked, `${CIFAR10_NAME}/${name}`), kind: "cifar" };
  }

  #artifact({ sha256, bytes }: CheckedFile, name: string): Pick<Artifact, "name" | "url" | "sha256" | "bytes"> {
    return { name, url: new URL(path.posix.join("/artifacts", sha256), this.#options.url()).href, sha256, bytes };
  }
}
