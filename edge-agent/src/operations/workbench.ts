import type { DeviceInfo } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";
import type { ArtifactCache } from "../artifacts/cache.ts";
import type { ArtifactStore } from "../artifacts/store.ts";
import type { SystemProbe } from "../device/system-state.ts";
import type { MeterFactStore } from "../measure/meter-facts.ts";
import type { Measuring } from "../measure/measuring.ts";
import type { SupplyVoltage } from "../measure/supply-voltage.ts";
import type { MadeModels } from "../models/made.ts";
import type { CoreSplit } from "../process/cores.ts";
import type { Sampler } from "../sampler/sampler.ts";
import type { MeterChannel } from "../sensors/meters.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** What operations work with. */
export interface Workbench {
  readonly device: string;
  /** The channel that fills the results table. */
  readonly power: MeterChannel;
  readonly store: ArtifactStore;
  /** Models that were made on this device. */
  readonly made: MadeModels;
  readonly sampler: Sampler;
  readonly supply: SupplyVoltage;
  /** Full-rate readings of the rows that were measured here. */
  readonly traces: ArtifactCache;
  readonly telemetry: Telemetry;
  readonly measuring: Measuring;
  readonly probe: SystemProbe;
  readonly meterFacts: MeterFactStore;
  readonly cores: CoreSplit;
  readonly clock: Clock;
  info(): DeviceInfo;
}
