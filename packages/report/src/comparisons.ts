import type { Comparison, Results } from "@edgewatt/protocol";

type Ratio = Comparison["latency"];

export interface ComparisonTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

const BLANK = "–";

/** Ratios between rows, and how to read them; `undefined` where there are none. */
export function comparisonTable({ comparisons = [] }: Results): ComparisonTable | undefined {
  const [first] = comparisons;
  if (first === undefined) return undefined;
  const several = new Set(comparisons.map(({ device }) => device)).size > 1;
  const example = comparisons.find(({ energyGross }) => energyGross !== null);
  return {
    head: [...(several ? ["device"] : []), "rows", "latency", "energy, gross", "energy, net", "blocks"],
    rows: comparisons.map((one) => [
      ...(several ? [one.device] : []),
      ratioName(one),
      ratioText(one.latency),
      ratioText(one.energyGross),
      ratioText(one.energyNet),
      String(one.pairs),
    ]),
    notes: [
      ...(example === undefined ? [] : [sentence(example)]),
      "Ratios of means over the same randomised blocks, with 95 % intervals by a bootstrap of whole blocks. Both rows are of one meter: its gain, " +
        "its shunt and the clock cancel, so these are surer than the energies themselves.",
      ...(comparisons.some(({ latency, energyGross, energyNet }) => [latency, energyGross, energyNet].includes(null))
        ? [`${BLANK}: fewer than 3 blocks in which both were measured, or an energy that cannot be told from zero.`]
        : []),
    ],
  };
}

function ratioName({ numerator, denominator }: Comparison): string {
  return numerator.model === denominator.model
    ? `${numerator.model}: ${numerator.precision} ÷ ${denominator.precision}`
    : `${numerator.precision}: ${numerator.model} ÷ ${denominator.model}`;
}

function sentence({ numerator, denominator, energyGross }: Comparison): string {
  const [of, over] =
    numerator.model === denominator.model
      ? [`${numerator.precision} of ${numerator.model}`, denominator.precision]
      : [`${numerator.model} (${numerator.precision})`, denominator.model];
  return `To be read: ${of} uses ${ratioText(energyGross)} of the gross energy of ${over}.`;
}

function ratioText(ratio: Ratio): string {
  if (ratio === null) return BLANK;
  const { value, low95, high95 } = ratio;
  // Cut at the first digit of the interval's half-width; rounding must not make a digit of it that is not there.
  const half = Math.max(1e-4, ((high95 - low95) / 2) * 1.001);
  const digits = Math.min(4, Math.max(2, -Math.floor(Math.log10(half))));
  return `${value.toFixed(digits)} [${low95.toFixed(digits)}, ${high95.toFixed(digits)}]`;
}
