import type { CostModel, Costs } from "./costs.ts";
import type { Alignment } from "./kept-count.ts";

/** How fractions are shared out: the same for each group, or by what each loses, at no higher cost of the whole. */
export const ALLOCATIONS = ["uniform", "error"] as const;
export type Allocation = (typeof ALLOCATIONS)[number];

/** A group among which channels are shared out. */
export interface Candidate {
  readonly channels: number;
  /** How many stay where each group loses the same fraction. */
  readonly uniform: number;
  /** Loss after so many channels have gone, from 0 on, relative to what the layers behind put out; empty where it is not known. */
  readonly losses: readonly number[];
}

/**
 * How many channels of each group stay, so that the sum of losses is small and the whole costs no more than with the same fraction for each: neither
 * more parameters nor more multiply-accumulate operations, as either alone would be bought with the other. From all channels on, the step goes that
 * loses least for what it saves of that which is still too much; then steps come back that still fit, the greatest loss first. A group whose losses are not known
 * keeps as many as with the same fraction.
 */
export function allocate(candidates: readonly Candidate[], costs: CostModel, align: Alignment): number[] {
  const budget = costs.total(candidates.map(({ uniform }) => uniform));
  let kept = candidates.map(({ channels, uniform, losses }) => (losses.length === 0 ? uniform : channels));
  let excess = over(costs.total(kept), budget);
  while (excess.params > 0 || excess.macs > 0) {
    const step = best(candidates, kept, (candidate, group, count) => {
      const next = below(count, align);
      if (next === undefined || next < candidate.channels - (candidate.losses.length - 1)) return undefined;
      const saved = costs.saved(kept, group, next);
      const share =
        (excess.params > 0 ? saved.params / excess.params : 0) + (excess.macs > 0 ? saved.macs / excess.macs : 0);
      return share > 0 ? { count: next, price: lossBetween(candidate, next, count) / share } : undefined;
    });
    if (step === undefined) break;
    kept = kept.with(step.group, step.count);
    excess = over(costs.total(kept), budget);
  }
  for (;;) {
    const room = over(budget, costs.total(kept));
    const step = best(candidates, kept, (candidate, group, count) => {
      const next = above(count, candidate.channels, align);
      if (next === undefined || candidate.losses.length === 0) return undefined;
      const saved = costs.saved(kept, group, next);
      const fits = -saved.params <= room.params && -saved.macs <= room.macs;
      return fits ? { count: next, price: -lossBetween(candidate, count, next) } : undefined;
    });
    if (step === undefined) return kept;
    kept = kept.with(step.group, step.count);
  }
}

interface Step {
  readonly count: number;
  readonly price: number;
}

/** The step with the least price among those that each group offers. */
function best(
  candidates: readonly Candidate[],
  kept: readonly number[],
  offer: (candidate: Candidate, group: number, count: number) => Step | undefined,
): (Step & { readonly group: number }) | undefined {
  let found: (Step & { readonly group: number }) | undefined;
  for (const [group, candidate] of candidates.entries()) {
    const step = offer(candidate, group, kept[group] as number);
    if (step !== undefined && (found === undefined || step.price < found.price)) found = { ...step, group };
  }
  return found;
}

/** The next smaller count: a multiple, and at least one. */
function below(count: number, align: Alignment): number | undefined {
  const next = align * (Math.ceil(count / align) - 1);
  return next >= align ? next : undefined;
}

/** The next larger count: a multiple, or all of them. */
function above(count: number, channels: number, align: Alignment): number | undefined {
  return count === channels ? undefined : Math.min(channels, align * (Math.floor(count / align) + 1));
}

function lossBetween({ channels, losses }: Candidate, fewer: number, more: number): number {
  return (losses[channels - fewer] ?? Infinity) - (losses[channels - more] ?? 0);
}

function over(costs: Costs, limit: Costs): Costs {
  return { params: costs.params - limit.params, macs: costs.macs - limit.macs };
}
