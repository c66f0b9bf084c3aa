import { ConfigError } from "@edgewatt/runtime";
import { driverOf, SENSORS, SOURCE_IDS, type SourceId } from "./index.ts";

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

const DEFAULT_METER = "main";

interface Choice {
  readonly source?: SourceId | undefined;
  readonly meters?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * What is read: the configured meters (of `source` alone where it is named), else `source` with its default settings, else
 * the first source that this machine is found to have.
 */
export function chooseMeters({ source, meters = {} }: Choice, root: string): readonly Meter[] {
  const configured = Object.entries(meters as Record<string, { source: SourceId }>).map(
    ([name, { source: id, ...config }]): Meter => ({ name, source: id, config }),
  );
  const chosen = source === undefined ? configured : configured.filter((meter) => meter.source === source);
  if (chosen.length > 0) return chosen;
  const found = source ?? SOURCE_IDS.find((id) => driverOf(id).detect?.({ root }) === true) ?? "estimate";
  return [{ name: DEFAULT_METER, source: found, config: SENSORS[found].config.parse({}) }];
}

/** The channels of a meter, in the order of its readings: `main`, or `rails.cpu` where it has several. */
export function channelsOf({ name, source, config }: Meter): readonly MeterChannel[] {
  const names = driverOf(source).channelNames?.(config) ?? [""];
  return names.map((own) => ({ channel: own === "" ? name : `${name}.${own}`, meter: name, source }));
}

/** The channel that fills the results table. @throws {ConfigError} when none of the meters has it */
export function tableChannel(meters: readonly Meter[], wanted: string | undefined): MeterChannel {
  const channels = meters.flatMap(channelsOf);
  const found = wanted === undefined ? channels[0] : channels.find(({ channel }) => channel === wanted);
  if (found !== undefined) return found;
  const names = channels.map(({ channel }) => channel).join(", ");
  throw new ConfigError([`channel: no meter has a channel ${wanted}; there are ${names}`]);
}
