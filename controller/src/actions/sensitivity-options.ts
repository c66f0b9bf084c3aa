import type { BrokerOption, DatasetsOption } from "../options.ts";
import type { RecipeOptions } from "./quantize-options.ts";

/** Flags of `edgewatt sensitivity`, on a device and with `--local`. */
export interface SensitivityCommandOptions
  extends
    BrokerOption,
    DatasetsOption,
    Pick<RecipeOptions, "format" | "perTensor" | "reduceRange" | "method" | "percentile"> {
  readonly on?: string;
  /** In minutes. */
  readonly timeout?: number;
  readonly local?: true;
  readonly calibration?: string;
  readonly images?: number;
  readonly evaluation?: string;
  readonly evaluationImages?: number;
  readonly threads?: number;
  readonly windows?: number;
  readonly windowS?: number;
  readonly idleS?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
  readonly report?: string;
}
