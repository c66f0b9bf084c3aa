/** What is known of every device that has this kind of source, in words that tables, pages and commands show. */
interface PowerSourceFacts {
  /**
   * `meter`: power, or current and voltage, are measured. `model`: power is computed from something else and is called an
   * estimate wherever it shows.
   */
  readonly kind: "meter" | "model";
  /** What the watts are of, as it follows a colon. */
  readonly description: string;
}

const SHUNT = "power through its shunt, whatever is wired behind it";

const FACTS = {
  ina219: { kind: "meter", description: SHUNT },
  ina226: { kind: "meter", description: SHUNT },
  ina228: { kind: "meter", description: SHUNT },
  ina238: { kind: "meter", description: SHUNT },
  ina260: { kind: "meter", description: SHUNT },
  ina3221: { kind: "meter", description: "power through each of its three shunts, whatever is wired behind them" },
  hwmon: { kind: "meter", description: "power through the shunt of a chip that a kernel driver reads" },
  rapl: { kind: "meter", description: "the processor package only, not the board" },
  pmic: {
    kind: "model",
    description:
      "the whole board, by a model of the power chip's measured rails, P = 1.1451 · sum of the rails + 0.5879 W",
  },
  estimate: {
    kind: "model",
    description: "the whole board, by a model of CPU load, P = idle + (full − idle) · utilisation",
  },
} as const satisfies Record<string, PowerSourceFacts>;

/** Where a power figure comes from. */
export type PowerSource = keyof typeof FACTS;

export const POWER_SOURCES = Object.keys(FACTS) as [PowerSource, ...PowerSource[]];

/**
 * Whether the figures of a source come from a model and must be marked as estimates. So are those of a source that this
 * version does not know: it could be one.
 */
export function isModelled(source: string): boolean {
  return factsOf(source)?.kind !== "meter";
}

/** What a source measures or models, such as `rapl: the processor package only, not the board`. */
export function describeSource(source: string): string {
  const facts = factsOf(source);
  return facts === undefined ? source : `${source}: ${facts.description}`;
}

/** All sources whose figures are estimates. */
export const MODELLED_SOURCES: readonly PowerSource[] = POWER_SOURCES.filter(isModelled);

function factsOf(source: string): PowerSourceFacts | undefined {
  return Object.hasOwn(FACTS, source) ? FACTS[source as PowerSource] : undefined;
}
