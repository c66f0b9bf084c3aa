import { driverOf, type SourceId } from "./index.ts";

/** A meter that the sampler reads. */
export interface Meter {
  readonly name: string;
  readonly source: SourceId;
  /** Checked by the driver's schema, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A power channel: what telemetry, traces and results call it, and where it comes from. */
export interface MeterChannel {
  readonly channel: string;
  readonly meter: string;
  readonly source: SourceId;
}

/** The channels of a meter, in the order of its readings: `main`, or `rails.cpu` where it has several. */
export function channelsOf({ name, source, config }: Meter): readonly MeterChannel[] {
  const names = driverOf(source).channelNames?.(config) ?? [""];
  return names.map((own) => ({ channel: own === "" ? name : `${name}.${own}`, meter: name, source }));
}
