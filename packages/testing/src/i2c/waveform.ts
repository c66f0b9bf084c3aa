import { TestingError } from "../errors.ts";

/** A current as a function of CLOCK_MONOTONIC, A; periodic ones begin a period at 0 of the clock. */
export type Waveform =
  | { readonly kind: "constant"; readonly amps: number }
  /** High first; `duty` is the share of high (0.5). */
  | {
      readonly kind: "square";
      readonly lowA: number;
      readonly highA: number;
      readonly periodS: number;
      readonly duty?: number;
    }
  | {
      readonly kind: "sine";
      readonly meanA: number;
      readonly amplitudeA: number;
      readonly periodS: number;
      readonly phaseRad?: number;
    }
  /** Rises from low to high and falls back at once. */
  | { readonly kind: "ramp"; readonly lowA: number; readonly highA: number; readonly periodS: number }
  /** `firstA` until `beginUs`, and from then on ever nearer to `lastA`. */
  | {
      readonly kind: "exponential";
      readonly firstA: number;
      readonly lastA: number;
      readonly tauS: number;
      readonly beginUs: number;
    }
  /**
   * Follows the processor time of the processes whose command line holds the bus's `follow`: `idleA` without, `fullA` when
   * they keep `processors` (1) busy, `lagMs` later. What it draws is not known in advance, so it has no closed form.
   */
  | {
      readonly kind: "cpu";
      readonly idleA: number;
      readonly fullA: number;
      readonly lagMs: number;
      readonly processors?: number;
    };

const US_PER_S = 1e6;

/** An antiderivative: A·s from an arbitrary moment to `t`, s of CLOCK_MONOTONIC. */
function antiderivative(wave: Waveform, t: number): number {
  switch (wave.kind) {
    case "constant":
      return wave.amps * t;
    case "square": {
      const { lowA, highA, periodS, duty = 0.5 } = wave;
      const periods = Math.floor(t / periodS);
      const highS = periods * duty * periodS + Math.min(t - periods * periodS, duty * periodS);
      return lowA * (t - highS) + highA * highS;
    }
    case "sine": {
      const radPerS = (2 * Math.PI) / wave.periodS;
      return wave.meanA * t - (wave.amplitudeA / radPerS) * Math.cos(radPerS * t + (wave.phaseRad ?? 0));
    }
    case "ramp": {
      const turns = t / wave.periodS;
      const whole = Math.floor(turns);
      const risen = (whole + (turns - whole) ** 2) / 2;
      return wave.lowA * t + (wave.highA - wave.lowA) * wave.periodS * risen;
    }
    case "exponential": {
      const { firstA, lastA, tauS, beginUs } = wave;
      const x = t - beginUs / US_PER_S;
      return x <= 0 ? firstA * x : lastA * x + (firstA - lastA) * tauS * (1 - Math.exp(-x / tauS));
    }
    case "cpu":
      throw new TestingError("a load that follows the processor has no closed form: compare with its readings", {
        code: "no-closed-form",
        context: { wave: wave.kind },
      });
  }
}

/** Charge that flows between two moments of CLOCK_MONOTONIC (µs), A·s, exactly. @throws {TestingError} for `cpu` */
export function chargeOf(wave: Waveform, fromUs: number, toUs: number): number {
  return antiderivative(wave, toUs / US_PER_S) - antiderivative(wave, fromUs / US_PER_S);
}

/** The waveform as a term of the control file (`sim/control.c`). */
export function formatTerm(wave: Waveform): string {
  switch (wave.kind) {
    case "constant":
      return `constant ${wave.amps}`;
    case "square":
      return `square ${wave.lowA} ${wave.highA} ${wave.periodS} ${wave.duty ?? 0.5}`;
    case "sine":
      return `sine ${wave.meanA} ${wave.amplitudeA} ${wave.periodS} ${wave.phaseRad ?? 0}`;
    case "ramp":
      return `ramp ${wave.lowA} ${wave.highA} ${wave.periodS}`;
    case "exponential":
      return `exponential ${wave.firstA} ${wave.lastA} ${wave.tauS} ${wave.beginUs / US_PER_S}`;
    case "cpu":
      return `cpu ${wave.idleA} ${wave.fullA} ${wave.lagMs / 1000} ${wave.processors ?? 1}`;
  }
}
