/** One supply rail behind the power chip of a Raspberry Pi 5. */
export interface Rail {
  readonly name: string;
  readonly volts: number;
  readonly amps: number;
}

const LINE = /^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(-?[\d.]+)[AV]\s*$/gm;

/**
 * Rails in the output of `vcgencmd pmic_read_adc`, a line for each converter: `VDD_CORE_A current(7)=1.42880000A`,
 * `VDD_CORE_V volt(15)=0.90659250V` (format: github.com/jfikar/RPi5-power). EXT5V and BATT have a voltage only and are no
 * rails. Empty for the firmware of a board without such a chip.
 */
export function parseRails(text: string): Rail[] {
  const amps = new Map<string, number>();
  const volts = new Map<string, number>();
  for (const [, name = "", unit, value] of text.matchAll(LINE)) (unit === "A" ? amps : volts).set(name, Number(value));
  return [...amps].flatMap(([name, current]) => {
    const voltage = volts.get(name);
    return voltage === undefined ? [] : [{ name, volts: voltage, amps: current }];
  });
}

/** The voltage at the board's 5 V input; `NaN` where it is not told. */
export function inputVolts(text: string): number {
  return Number(/^\s*EXT5V_V\s+volt\(\d+\)=([\d.]+)V/m.exec(text)?.[1] ?? Number.NaN);
}
