import type { Allocation, Criterion } from "@edgewatt/pruner";
import { describeIssues, type PruneOptions, pruneOptionsSchema } from "@edgewatt/protocol";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";

/** Flags of `edgewatt prune`, on a device and with `--local`. */
export interface PruneCommandOptions extends BrokerOption, DatasetsOption {
  readonly on?: string;
  /** In minutes. */
  readonly timeout?: number;
  readonly name?: string;
  readonly local?: true;
  readonly fraction?: number;
  readonly align: string;
  readonly by: Criterion;
  readonly allocate: Allocation;
  readonly calibration?: string;
  readonly images?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
}

/** @throws {UsageError} */
export function requireFraction({ fraction }: Pick<PruneCommandOptions, "fraction">): number {
  if (fraction !== undefined) return fraction;
  throw new UsageError("prune needs --fraction: the share of channels that go, as 0.3");
}

/** The flags under the names that a `prune` job has for them. @throws {UsageError} */
export function pruneOptionsOf(options: PruneCommandOptions): PruneOptions {
  const { by, allocate, images, mean, std, inputShape } = options;
  const asked = {
    fraction: requireFraction(options),
    align: Number(options.align),
    ...defined({ by, allocate, images, mean, std, inputShape }),
  };
  const checked = pruneOptionsSchema.safeParse(asked);
  if (checked.success) return checked.data;
  throw new UsageError(`prune cannot be asked for that: ${describeIssues(checked.error)}`);
}
