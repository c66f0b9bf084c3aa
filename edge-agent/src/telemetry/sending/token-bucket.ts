/** Lets through so many in a second, and a few at once after a pause. */
export class TokenBucket {
  readonly #perS: number;
  readonly #capacity: number;
  readonly #nowUs: () => number;
  #tokens: number;
  #filledUs: number;

  constructor(perS: number, capacity: number, nowUs: () => number) {
    this.#perS = perS;
    this.#capacity = capacity;
    this.#nowUs = nowUs;
    this.#tokens = capacity;
    this.#filledUs = nowUs();
  }

  /** Whether one may pass now; it then counts as passed. */
  take(): boolean {
    const nowUs = this.#nowUs();
    this.#tokens = Math.min(this.#capacity, this.#tokens + ((nowUs - this.#filledUs) / 1e6) * this.#perS);
    this.#filledUs = nowUs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
