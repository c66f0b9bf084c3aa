import type { ErrorLimits } from "../sensors/sensor.ts";

/*
 * Uncertainty of energy per image, after JCGM 100:2008 (GUM). Measured power is
 *
 *   P' = P · (1 + g) + V · a + I · v          g: gain, a: offset of the current, v: offset of the voltage
 *
 * with errors that stay the same in all windows of a row, so that repetition does not show them: they are of type B, each a
 * rectangular distribution within its limit, with standard uncertainty limit / √3 (4.3.7). Errors of different causes are
 * independent and add in quadrature (5.1.2).
 */

/**
 * Limit of the relative error of durations by CLOCK_MONOTONIC: the kernel's discipline changes its rate by 500 ppm at most
 * (`MAXFREQ` of Linux' timex.h; adjtimex(2), `freq`), and a board's crystal is better than that without it.
 */
export const CLOCK_LIMIT = 5e-4;

/** Means over the windows of a row, `volts` being `NaN` where the meter does not tell them; energy per image is power × `imageMs`. */
export interface Load {
  readonly imageMs: number;
  readonly meanW: number;
  readonly volts: number;
}

/**
 * Relative standard uncertainty that scales with the energy itself: the causes of gain, and the clock by which power
 * becomes energy, which is the chip's own where a running total is read and the machine's elsewhere.
 */
export function relativeStandard(limits: ErrorLimits, accumulates: boolean): number {
  return rectangular(...Object.values(limits.gain), accumulates ? limits.timeBase : CLOCK_LIMIT);
}

/** Standard uncertainty, mJ, of gross energy per image E: √((E · relative)² + (t · V · u(a))² + (t · I · u(v))²), t = time per image. */
export function grossStandardMj(limits: ErrorLimits, accumulates: boolean, { imageMs, meanW, volts }: Load): number {
  return Math.hypot(
    meanW * imageMs * relativeStandard(limits, accumulates),
    imageMs * offset(limits.offsetA, volts),
    imageMs * offset(limits.offsetV, meanW / volts),
  );
}

/**
 * Standard uncertainty, mJ, of net energy per image. Window and idle stretch are of one meter, so its errors are the same in
 * both and the difference keeps their difference only:
 *
 *   E'net − Enet = g · Enet + t · a · (V − Vidle) + t · v · (I − Iidle)
 *
 * The gain acts on what is left, the offset of the current on the drop of the supply under load, and the offset of the
 * voltage on the current that the model adds.
 */
export function netStandardMj(
  limits: ErrorLimits,
  accumulates: boolean,
  { imageMs, meanW, volts }: Load,
  idle: Pick<Load, "meanW" | "volts">,
): number {
  return Math.hypot(
    (meanW - idle.meanW) * imageMs * relativeStandard(limits, accumulates),
    imageMs * offset(limits.offsetA, volts - idle.volts),
    imageMs * offset(limits.offsetV, meanW / volts - idle.meanW / idle.volts),
  );
}

/** Half-width at 95 % of type B alone: k = 2, since degrees of freedom of limits are taken as infinite (G.4.3, G.6.6). */
export function meterHalfWidth(standard: number): number {
  return 2 * standard;
}

/**
 * Half-width at 95 % of both: U = 2 · √(A'² + B²), where 2 · A' = t(n − 1) · s / √n is the half-width by repetition and B the
 * standard uncertainty of type B. So the parts add in quadrature, and either alone is what remains without the other.
 * docs/decisions/0009 compares it with effective degrees of freedom (G.4.1).
 */
export function combinedHalfWidth(repetition: number, meter: number): number {
  return Math.hypot(repetition, meter);
}

/** Combined standard uncertainty of independent errors that are rectangular within ± limits (4.3.7: limit / √3). */
function rectangular(...limits: readonly number[]): number {
  return Math.hypot(...limits) / Math.sqrt(3);
}

/** An offset that is none needs no factor, which may not be known. */
function offset(limit: number, factor: number): number {
  return limit === 0 ? 0 : factor * rectangular(limit);
}
