/** What a driver was told about a monitor with a shunt outside and two conversions. */
interface Configured {
  readonly bus: number;
  readonly address: number;
  readonly shuntOhm: number;
  readonly shuntTolerance: number;
  readonly maxA: number;
  readonly averaging: number;
  readonly shuntConversionUs: number;
  readonly busConversionUs: number;
}

/** What it found or derived: the revision of the chip, full scale of the shunt, steps of the registers. */
interface Derived<S> {
  readonly dieId: string;
  readonly shuntRangeV: number;
  readonly scale: S & { readonly calibration: number };
}

/** The settings of a channel as results name them, so that a measurement can be repeated; in this order everywhere. */
export function describedSettings<S extends object>(configured: Configured, { dieId, shuntRangeV, scale }: Derived<S>) {
  const { bus, address, shuntOhm, shuntTolerance, maxA, averaging, shuntConversionUs, busConversionUs } = configured;
  // What the calibration register holds follows from the others.
  const { calibration: _, ...steps } = scale;
  return {
    bus,
    address,
    dieId,
    shuntOhm,
    shuntTolerance,
    maxA,
    shuntRangeV,
    averaging,
    shuntConversionUs,
    busConversionUs,
    ...steps,
  };
}
