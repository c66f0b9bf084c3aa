import { z } from "zod";

/** Samples in one reading by the three bits AVG: the same in all chips that have both conversion times and averaging. */
const AVERAGING = [1, 4, 16, 64, 128, 256, 512, 1024] as const;

/** How a generation of chips converts: the times of one sample, µs, by three bits, and where its fields begin in their register. */
interface AdcGeneration<Time extends number> {
  readonly timesUs: readonly Time[];
  readonly averagingBit: number;
  readonly busBit: number;
  readonly shuntBit: number;
}

/**
 * INA226 (TI SBOS547B, tables 7-3 to 7-5), INA260 (SBOS656C, section 8.6.1) and INA3221 (SBOS576C, section 7.6.2.1): AVG in bits 11:9
 * of the configuration, VBUSCT in 8:6, VSHCT or ISHCT in 5:3. A sample takes at most a tenth more.
 */
export const INA226_ADC = {
  timesUs: [140, 204, 332, 588, 1100, 2116, 4156, 8244],
  averagingBit: 9,
  busBit: 6,
  shuntBit: 3,
} as const;

/** INA228 (TI SLYS021A, table 7-6) and INA238 (SLYS025B): AVG in bits 2:0 of the ADC configuration, VBUSCT in 11:9, VSHCT in 8:6. */
export const INA228_ADC = {
  timesUs: [50, 84, 150, 280, 540, 1052, 2074, 4120],
  averagingBit: 0,
  busBit: 9,
  shuntBit: 6,
} as const;

/** How both quantities are converted, which the fields of {@link adcSettings} are. */
export interface Adc<Time extends number = number> {
  readonly averaging: (typeof AVERAGING)[number];
  readonly busConversionUs: Time;
  readonly shuntConversionUs: Time;
}

/** Configuration of the conversion. */
export function adcSettings<const Time extends number>(
  { timesUs }: AdcGeneration<Time>,
  defaults: { readonly averaging: (typeof AVERAGING)[number]; readonly conversionUs: NoInfer<Time> },
) {
  const time = z.literal(timesUs).default(defaults.conversionUs as never);
  return {
    averaging: z.literal(AVERAGING).default(defaults.averaging).describe("samples in one reading"),
    shuntConversionUs: time.describe("time of one sample of the current, µs"),
    busConversionUs: time.describe("time of one sample of the voltage, µs"),
  };
}

/** From one result to the next: all samples of shunt and bus. */
export function cycleUs({ averaging, busConversionUs, shuntConversionUs }: Adc): number {
  return averaging * (busConversionUs + shuntConversionUs);
}

/** The three fields in their places. */
export function adcBits<Time extends number>(
  { timesUs, averagingBit, busBit, shuntBit }: AdcGeneration<Time>,
  { averaging, busConversionUs, shuntConversionUs }: Adc<Time>,
): number {
  return (
    (AVERAGING.indexOf(averaging) << averagingBit) |
    (timesUs.indexOf(busConversionUs) << busBit) |
    (timesUs.indexOf(shuntConversionUs) << shuntBit)
  );
}
