import type { Trace } from "../../src/measure/energy.ts";

/** A power curve whose energy has a closed form. */
export interface Waveform {
  readonly name: string;
  /** Energy from 0 to `s`, J. */
  readonly joules: (s: number) => number;
}

export function constant(w: number): Waveform {
  return { name: "constant", joules: (s) => w * s };
}

export function sine(base: number, swing: number, hz: number): Waveform {
  const omega = 2 * Math.PI * hz;
  return { name: "sine", joules: (s) => base * s + (swing / omega) * (1 - Math.cos(omega * s)) };
}

export function sawtooth(low: number, high: number, periodS: number): Waveform {
  const rise = high - low;
  return {
    name: "sawtooth",
    joules: (s) => {
      const turns = Math.floor(s / periodS);
      const rest = s - turns * periodS;
      return low * s + rise * ((turns * periodS) / 2 + rest ** 2 / (2 * periodS));
    },
  };
}

/** `high` for the share `duty` of each period, from its start. A square wave, and the pattern of inference after inference. */
export function bursts(low: number, high: number, periodS: number, duty: number): Waveform {
  return {
    name: `bursts of ${periodS * 1000} ms`,
    joules: (s) => {
      const turns = Math.floor(s / periodS);
      const rest = Math.min(s - turns * periodS, duty * periodS);
      return low * s + (high - low) * (turns * duty * periodS + rest);
    },
  };
}

/** Each period begins with a peak that decays exponentially, as a supply's response to a burst of work does. */
export function exponentialBursts(low: number, peak: number, periodS: number, decayS: number): Waveform {
  const until = (s: number) => (peak - low) * decayS * (1 - Math.exp(-s / decayS));
  return {
    name: "exponential bursts",
    joules: (s) => {
      const turns = Math.floor(s / periodS);
      return low * s + turns * until(periodS) + until(s - turns * periodS);
    },
  };
}

export interface SimulatedMeter {
  readonly rateHz: number;
  /** A reading is the mean over this time. */
  readonly conversionS: number;
  readonly lsbW: number;
  /** Share of the period by which a reading comes late at most. */
  readonly jitter: number;
  /** P' = P · (1 + gain) + offset. */
  readonly gain?: number;
  readonly offsetW?: number;
  readonly random: () => number;
}

/** INA219 at its full rate, as in the estimator study of the method. */
export const INA219_LIKE = { rateHz: 900, conversionS: 1.064e-3, lsbW: 0.002, jitter: 0.3 } as const;

/** What a meter reads of a curve from `fromS` to `toS`, with readings beyond both edges. */
export function read(wave: Waveform, meter: SimulatedMeter, fromS: number, toS: number): Trace {
  const { rateHz, conversionS, lsbW, jitter, gain = 0, offsetW = 0, random } = meter;
  const period = 1 / rateHz;
  const firstS = fromS - period * (2 + random());
  const n = Math.ceil((toS - fromS) * rateHz) + 6;
  const tUs = new Float64Array(n);
  const watts = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const t = firstS + (i + jitter * random()) * period;
    const mean = (wave.joules(t + conversionS / 2) - wave.joules(t - conversionS / 2)) / conversionS;
    tUs[i] = t * 1e6;
    watts[i] = Math.round((mean * (1 + gain) + offsetW) / lsbW) * lsbW;
  }
  return { tUs, watts, joules: null };
}

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
