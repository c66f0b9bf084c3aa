import { ConfigError } from "@edgewatt/runtime";
import { driverOf, SENSORS, SOURCE_IDS, type SourceId } from "./index.ts";
import { channelsOf, type Meter, type MeterChannel } from "./meters.ts";

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

/** The channel that fills the results table. @throws {ConfigError} when none of the meters has it */
export function tableChannel(meters: readonly Meter[], wanted: string | undefined): MeterChannel {
  const channels = meters.flatMap(channelsOf);
  const found = wanted === undefined ? channels[0] : channels.find(({ channel }) => channel === wanted);
  if (found !== undefined) return found;
  const names = channels.map(({ channel }) => channel).join(", ");
  throw new ConfigError([`channel: no meter has a channel ${wanted}; there are ${names}`]);
}
