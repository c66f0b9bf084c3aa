/** Until it is measured: the oscillator's limit over temperature, and how far it may drift between two measurements. */
const UNKNOWN = 0.01;
const DRIFT = 0.001;
/** The end of a cycle counts as seen when it lies between two questions that are no further apart than this share of a cycle. */
const SEEN = 1 / 16;
/** A count of cycles is sure while what is not known adds up to less than this share of one. */
const SURE = 0.45;
/** A measurement takes so long, and its limit of error is no larger. */
const SPAN_US = 5e6;
const GOOD = 2e-4;
/** It is not sought for longer, nor with cycles shorter than some ten questions. */
const SEEK_US = 30e6;
const SHORTEST_CYCLE_US = 4000;

/**
 * How long the chip's conversion cycles really are, by CLOCK_MONOTONIC. The end of a cycle lies between a question that was
 * answered with "not yet" and the next one that was answered with a result; two such ends and the number of cycles between
 * them give the length of one, with strict limits. The number follows from the time between them for as long as what is known
 * of the length so far leaves no doubt, so that cycles that nobody asked for are counted too.
 */
export class ConversionClock {
  readonly #nominalUs: number;
  /** Real ÷ nominal length of a cycle; 1 until it is known. */
  ratio = 1;
  /** Limit of the relative error of `ratio`; `NaN` until it is known. */
  limit = Number.NaN;
  /** When there was no result yet, if that was the last answer. */
  #notYetUs = Number.NaN;
  #startUs = Number.NaN;
  #lastUs = Number.NaN;
  #anchorUs = Number.NaN;
  #anchorHalfUs = 0;
  /** What is known within this measurement. */
  #best = 1;
  #bestLimit = UNKNOWN;

  constructor(nominalUs: number) {
    this.#nominalUs = nominalUs;
  }

  get isKnown(): boolean {
    return !Number.isNaN(this.limit);
  }

  /** Whether questions at full rate would help: some seconds after the start. */
  get isSought(): boolean {
    return this.#nominalUs >= SHORTEST_CYCLE_US && !this.isKnown && !(this.#lastUs - this.#startUs > SEEK_US);
  }

  /** The chip began to convert anew. */
  restart(): void {
    this.#notYetUs = Number.NaN;
    this.#anchorUs = Number.NaN;
  }

  /** @param beforeUs a moment at which the result was not there yet: before the question */
  notYet(beforeUs: number): void {
    if (Number.isNaN(this.#startUs)) this.#startUs = beforeUs;
    this.#lastUs = beforeUs;
    this.#notYetUs = beforeUs;
  }

  /** @param afterUs a moment at which a new result was there: after the question */
  result(afterUs: number): void {
    const halfUs = (afterUs - this.#notYetUs) / 2;
    const endUs = this.#notYetUs + halfUs;
    this.#notYetUs = Number.NaN;
    if (!(2 * halfUs <= SEEN * this.#nominalUs)) return;
    if (Number.isNaN(this.#anchorUs)) {
      this.#begin(endUs, halfUs);
      return;
    }
    const spanUs = endUs - this.#anchorUs;
    const cycles = Math.round(spanUs / (this.#best * this.#nominalUs));
    const doubtUs = halfUs + this.#anchorHalfUs;
    if (cycles < 1 || doubtUs / this.#nominalUs + this.#bestLimit * cycles > SURE) {
      this.#begin(endUs, halfUs);
      return;
    }
    const nominalUs = cycles * this.#nominalUs;
    if (doubtUs / nominalUs < this.#bestLimit) {
      this.#best = spanUs / nominalUs;
      this.#bestLimit = doubtUs / nominalUs;
    }
    if (spanUs >= SPAN_US && this.#bestLimit <= GOOD) this.#end(endUs, halfUs);
  }

  #begin(endUs: number, halfUs: number): void {
    this.#anchorUs = endUs;
    this.#anchorHalfUs = halfUs;
    this.#best = this.ratio;
    this.#bestLimit = this.isKnown ? DRIFT : UNKNOWN;
  }

  /** Further off than an oscillator may be is no oscillator's error, and not corrected. */
  #end(endUs: number, halfUs: number): void {
    if (Math.abs(this.#best - 1) <= UNKNOWN) {
      this.ratio = this.#best;
      this.limit = this.#bestLimit;
    }
    this.#begin(endUs, halfUs);
  }
}
