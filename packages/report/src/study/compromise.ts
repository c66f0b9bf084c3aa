import type { ResultRow, Results, Study } from "@edgewatt/protocol";
import { listed } from "../listed.ts";
import { formatWithHalfWidth } from "../number-format.ts";
import { hasEstimatedPower } from "../power-source.ts";
import { variantName } from "./variant-names.ts";

/** What a model may lose of the best accuracy and still be a good choice, percentage points. */
const TOLERATED_PT = 1;

type Cost = "energy" | "latency";

/** Of each device the rows that no other beats in both accuracy and cost, and the cheapest of them that is still accurate. */
export function compromiseWords(study: Study, results: Results): string[] {
  const devices = [...new Set(results.rows.map(({ device }) => device))];
  return devices.flatMap((device) => {
    const rows = results.rows.filter((row) => row.device === device && row.accuracyPct !== null);
    const cost = costOf(rows, results);
    const front = frontOf(
      rows.filter((row) => priceOf(row, cost) !== null),
      cost,
    );
    const chosen = front.find((row) => Number(row.accuracyPct) >= best(front) - TOLERATED_PT);
    if (chosen === undefined) return [];
    const where = devices.length > 1 ? `On ${device}: ` : "";
    const modelled = cost === "latency" && rows.some((row) => hasEstimatedPower(row, results));
    const first = `${where}${choice(chosen, cost, study)} ${why(cost, best(front))}`;
    return [
      first,
      others(front, cost, study),
      modelled ? "Energy is an estimate here, so latency decides." : "",
    ].filter((sentence) => sentence !== "");
  });
}

function choice(row: ResultRow, cost: Cost, study: Study): string {
  const name = row.model === study.model ? "The unpruned model" : `The model pruned by ${variantName(row, study)}`;
  return `${name}, as ${row.precision}: ${Number(row.accuracyPct).toFixed(2)} % at ${priceText(row, cost)}.`;
}

function why(cost: Cost, bestPct: number): string {
  const lowest = cost === "energy" ? "gross energy" : "latency";
  return `It has the lowest ${lowest} of all within ${TOLERATED_PT} point of the best accuracy (${bestPct.toFixed(2)} %).`;
}

function others(front: readonly ResultRow[], cost: Cost, study: Study): string {
  if (front.length < 2) return `It beats or equals every other row in both accuracy and ${cost}.`;
  const short = (row: ResultRow) =>
    `${row.precision} ${row.model === study.model ? "unpruned" : `at ${variantName(row, study)}`}`;
  return `These are the rows that no other beats in both accuracy and ${cost}: ${listed(front.map(short))}.`;
}

/** Measured energy decides; an estimate of it is made from the processor's time, which latency tells without a model. */
function costOf(rows: readonly ResultRow[], results: Results): Cost {
  const measured = rows.every((row) => row.energyMj.gross !== null && !hasEstimatedPower(row, results));
  return measured ? "energy" : "latency";
}

function priceOf(row: ResultRow, cost: Cost): number | null {
  return cost === "energy" ? row.energyMj.gross : row.latencyMs.mean;
}

function priceText(row: ResultRow, cost: Cost): string {
  return cost === "energy"
    ? `${formatWithHalfWidth(Number(row.energyMj.gross), row.energyMj.grossHalfWidth95)} mJ an image`
    : `${formatWithHalfWidth(Number(row.latencyMs.mean), row.latencyMs.halfWidth95)} ms an image`;
}

/** The cheapest first. */
function frontOf(rows: readonly ResultRow[], cost: Cost): ResultRow[] {
  const price = (row: ResultRow) => Number(priceOf(row, cost));
  const accuracy = (row: ResultRow) => Number(row.accuracyPct);
  const beats = (a: ResultRow, b: ResultRow) =>
    price(a) <= price(b) && accuracy(a) >= accuracy(b) && (price(a) < price(b) || accuracy(a) > accuracy(b));
  return rows.filter((row) => !rows.some((other) => beats(other, row))).toSorted((a, b) => price(a) - price(b));
}

function best(rows: readonly ResultRow[]): number {
  return Math.max(...rows.map(({ accuracyPct }) => Number(accuracyPct)));
}
