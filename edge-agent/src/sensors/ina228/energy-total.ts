/** The energy register has 40 bits (TI SLYS021A, table 7-14). */
const MODULUS = 2 ** 40;
/** Power has 24 bits and energy counts 16 s of its steps (section 8.1.2); the oscillator may be 1 % fast. */
const MAX_COUNTS_PER_US = (1.01 * 2 ** 24) / 16 / 1e6;

/**
 * Running total of a 40-bit counter that only goes up, wraps, and may be restarted. What a restart loses is not known and not
 * added: the total never goes down and never jumps.
 */
export class EnergyTotal {
  #raw = 0;
  #counts = 0;
  #tUs = 0;
  #given = 0;

  /** Counts since this object was made, but for the last `recent`; never fewer than it gave before. */
  countsBefore(recent: number): number {
    this.#given = Math.max(this.#given, this.#counts - recent);
    return this.#given;
  }

  /**
   * A counter that went back has wrapped if the chip says so, or if it wrapped just after it was asked: then it gained no
   * more than the largest power could have given since.
   * @param overflowed what the chip said, before the counter was read
   * @param tUs when it was read
   * @param weight of what it gained: real ÷ nominal time of the conversions that it counts
   * @returns false when the counter was restarted, and goes on from `raw`
   */
  add(raw: number, overflowed: boolean, tUs: number, weight = 1): boolean {
    const back = raw < this.#raw;
    const gained = back ? raw + MODULUS - this.#raw : raw - this.#raw;
    const counted = !back || overflowed || gained <= MAX_COUNTS_PER_US * (tUs - this.#tUs);
    if (counted) this.#counts += gained * weight;
    this.#raw = raw;
    this.#tUs = tUs;
    return counted;
  }

  /** The counter was cleared. */
  restart(): void {
    this.#raw = 0;
  }
}
