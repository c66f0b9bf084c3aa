import type { BrokerOption, DatasetsOption } from "../options.ts";

/** Flags of `edgewatt quantize`, on devices and with `--local`. */
export interface QuantizeCommandOptions extends BrokerOption, DatasetsOption {
  readonly on?: readonly string[];
  readonly local?: true;
  readonly calibration?: string;
  readonly images?: number;
  readonly format?: "u8s8" | "s8s8";
  readonly perTensor?: true;
  readonly reduceRange?: true;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
  readonly method?: "minmax";
  readonly verify?: true;
}
