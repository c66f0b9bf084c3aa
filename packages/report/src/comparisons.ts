import { isModelled, type Comparison, type Results } from "@edgewatt/protocol";
import { powerSourceOf } from "./power-source.ts";

type Ratio = Comparison["latency"];

export interface ComparisonTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

const BLANK = "–";

/** Ratios between rows, and how to read them; `undefined` where there are none. */
export function comparisonTable(results: Results): ComparisonTable | undefined {
  const { comparisons = [] } = results;
  const [first] = comparisons;
  if (first === undefined) return undefined;
  const modelled = comparisons.map((one) => hasModelledEnergy(one, results));
  const estimate = modelled.every(Boolean) ? ", estimate" : "";
  const several = new Set(comparisons.map(({ device }) => device)).size > 1;
  const example = comparisons.find(({ energyGross }) => energyGross !== null);
  return {
    head: [
      ...(several ? ["device"] : []),
      "rows",
      "latency",
      `energy, gross${estimate}`,
      `energy, net${estimate}`,
      "blocks",
    ],
    rows: comparisons.map((one, index) => {
      const mark = estimate === "" && modelled[index] === true ? " est." : "";
      return [
        ...(several ? [one.device] : []),
        ratioName(one),
        ratioText(one.latency),
        ratioText(one.energyGross, mark),
        ratioText(one.energyNet, mark),
        String(one.pairs),
      ];
    }),
    notes: [
      ...(example === undefined ? [] : [sentence(example, hasModelledEnergy(example, results))]),
      "Ratios of means over the same randomised blocks, with 95 % intervals by a bootstrap of whole blocks.",
      ...(modelled.every(Boolean)
        ? []
        : [
            "Both rows are of one meter: its gain, its shunt and the clock cancel, so ratios of measured energies are surer than the energies themselves.",
          ]),
      ...(modelled.some(Boolean)
        ? [
            "Ratios of estimated energies are of a model's figures: the model's error does not cancel, and no interval here covers it.",
          ]
        : []),
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

/** Both rows are of one job, so of one source; that of a row which is not shown is as good as a model. */
function hasModelledEnergy({ numerator }: Comparison, results: Results): boolean {
  const row = results.rows.find(({ run }) => run === numerator.run);
  const source = row === undefined ? null : powerSourceOf(row, results);
  return source === null || isModelled(source);
}

function sentence({ numerator, denominator, energyGross }: Comparison, isEstimate: boolean): string {
  const [of, over] =
    numerator.model === denominator.model
      ? [`${numerator.precision} of ${numerator.model}`, denominator.precision]
      : [`${numerator.model} (${numerator.precision})`, denominator.model];
  return `To be read: ${of} uses ${ratioText(energyGross)} of the gross energy of ${over}${isEstimate ? ", by an estimate" : ""}.`;
}

/** `1.52 [1.48, 1.56]`: a ratio with its 95 % interval. */
export function ratioText(ratio: Ratio, mark = ""): string {
  if (ratio === null) return BLANK;
  const { value, low95, high95 } = ratio;
  // Cut at the first digit of the interval's half-width; rounding must not make a digit of it that is not there.
  const half = Math.max(1e-4, ((high95 - low95) / 2) * 1.001);
  const digits = Math.min(4, Math.max(2, -Math.floor(Math.log10(half))));
  return `${value.toFixed(digits)} [${low95.toFixed(digits)}, ${high95.toFixed(digits)}]${mark}`;
}
