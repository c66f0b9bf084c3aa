import type { MachineSnapshot } from "../device/machine-snapshot.ts";
import type { WindowResult } from "../runner/messages.ts";
import type { Stretch } from "./energy.ts";

/** One measured window with the power around it. */
export interface MeasuredWindow {
  /** Counts randomised blocks from 0; windows of one block are pairs. */
  readonly block: number;
  readonly run: WindowResult;
  /** `undefined` where the power of the window is not known. */
  readonly power: Stretch | undefined;
  /** The idle stretches before and after. */
  readonly idleBefore: Stretch | undefined;
  readonly idleAfter: Stretch | undefined;
  /** Codes of meter faults inside. */
  readonly faults: readonly string[];
  /** Codes of meter faults in its idle stretches. */
  readonly idleFaults: readonly string[];
  /** The meter's period, against which gaps are judged, µs. */
  readonly periodUs: number;
  readonly machine: { readonly before: MachineSnapshot; readonly after: MachineSnapshot };
}

/** Figures of one window, per image where energies are concerned. */
export interface WindowFigures {
  readonly seconds: number;
  readonly images: number;
  readonly latencyMs: number;
  readonly joules: number | null;
  readonly maxW: number | null;
  readonly max10msW: number | null;
  readonly volts: number | null;
  readonly idleW: number | null;
  readonly idleVolts: number | null;
  readonly grossMj: number | null;
  readonly netMj: number | null;
}

const MJ_PER_J = 1000;

export function figuresOf({ run, power, idleBefore, idleAfter }: MeasuredWindow): WindowFigures {
  const seconds = (run.t1Us - run.t0Us) / 1e6;
  const images = run.latenciesMs.length * (run.batch ?? 1);
  const idleW = meanOfBoth(idleBefore?.meanW, idleAfter?.meanW);
  return {
    seconds,
    images,
    latencyMs: run.latenciesMs.reduce((sum, value) => sum + value, 0) / images,
    joules: power?.joules ?? null,
    maxW: power?.maxW ?? null,
    max10msW: power?.max10msW ?? null,
    volts: power?.volts ?? null,
    idleW,
    idleVolts: meanOfBoth(idleBefore?.volts, idleAfter?.volts),
    grossMj: power === undefined ? null : (MJ_PER_J * power.joules) / images,
    netMj: power === undefined || idleW === null ? null : (MJ_PER_J * (power.joules - idleW * seconds)) / images,
  };
}

function meanOfBoth(before: number | null | undefined, after: number | null | undefined): number | null {
  return typeof before === "number" && typeof after === "number" ? (before + after) / 2 : null;
}
