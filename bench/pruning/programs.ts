import { join } from "node:path";
import { ROOT } from "../paths.ts";
import type { Program } from "../processes.ts";
import type { ZooModel } from "../quantizer/material.ts";

/** One pruning of a model of the zoo, repaired from the first `images` of a file. */
export interface Pruning {
  readonly model: ZooModel;
  readonly fraction: number;
  readonly align: number;
  readonly by: "error" | "l1";
  readonly calibration: string;
  readonly images: number;
  readonly out: string;
}

/** `edgewatt prune --local`, as a user runs it. */
export function pruneProgram({ model, fraction, align, by, calibration, images, out }: Pruning): Program {
  const flags = {
    fraction: String(fraction),
    align: String(align),
    by,
    calibration,
    images: String(images),
    mean: model.mean.join(","),
    std: model.std.join(","),
  };
  const args = [
    join(ROOT, "controller/bin/edgewatt.js"),
    "prune",
    "--local",
    model.path,
    out,
    "--json",
    ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
  ];
  return { name: "edgewatt prune", interpreter: "node", args };
}

/** The fraction that a model of the zoo was pruned by, as its name says: `p30` is 0.3. */
export function fractionOf(model: ZooModel): number {
  return Number(suffixOf(model).slice(1)) / 100;
}

/** `p30` */
export function suffixOf({ name }: ZooModel): string {
  return name.split("-").at(-1) ?? "";
}
