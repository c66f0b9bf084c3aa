/** A chip is asked so much before its next conversion should end. */
const LEAD_US = 50;
/** Share of a cycle by which it is asked earlier each time: more than a clock can be off until it is known, little after. */
const SEARCH = 1 / 8;
const CREEP = 1 / 64;
/** A cycle that seems further off than this share is a disturbance of ours and not the chip's clock. */
const PLAUSIBLE = 0.2;

/**
 * Follows a chip that converts by its own clock. Asked ever earlier it has to be waited for at last: then the end of its
 * conversion is known to the time of a question, and between two such moments the length of its cycle.
 */
export class ConversionCycle {
  #nominalUs = Number.NaN;
  #cycleUs = Number.NaN;
  /** When it was last waited for; `NaN` when its edge is not known. */
  #edgeUs = Number.NaN;
  #isMeasured = false;
  #readings = 0;

  reset(nominalUs: number): void {
    this.#nominalUs = nominalUs;
    this.#cycleUs = nominalUs;
    this.#edgeUs = Number.NaN;
    this.#isMeasured = false;
    this.#readings = 0;
  }

  /**
   * When to ask for the next reading.
   * @param scheduledUs when this one was asked for first
   * @param waited whether it was not there yet
   */
  next(scheduledUs: number, nowUs: number, waited: boolean): number {
    this.#readings += 1;
    if (waited) {
      this.#measure(nowUs);
      this.#edgeUs = nowUs;
      this.#readings = 0;
      return this.#isMeasured ? nowUs + this.#cycleUs - LEAD_US : nowUs + this.#cycleUs * (1 - SEARCH);
    }
    const late = Math.ceil((nowUs - scheduledUs) / this.#cycleUs);
    if (late > 1) {
      // Conversions were missed, nobody knows how many: the edge has to be found anew.
      this.#edgeUs = Number.NaN;
      return scheduledUs + this.#cycleUs * late;
    }
    const isKnown = this.#isMeasured && !Number.isNaN(this.#edgeUs);
    return scheduledUs + this.#cycleUs * (1 - (isKnown ? CREEP : SEARCH));
  }

  #measure(nowUs: number): void {
    const measuredUs = (nowUs - this.#edgeUs) / this.#readings;
    if (Math.abs(measuredUs / this.#nominalUs - 1) > PLAUSIBLE || Number.isNaN(measuredUs)) return;
    this.#cycleUs = this.#isMeasured ? this.#cycleUs + (measuredUs - this.#cycleUs) / 4 : measuredUs;
    this.#isMeasured = true;
  }
}
