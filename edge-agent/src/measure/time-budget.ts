/** Seconds that windows may take, judged by what they took so far: the slowest is what the next ones are expected to take. */
export class TimeBudget {
  readonly #budgetS: number;
  readonly #nowUs: () => number;
  readonly #startUs: number;
  #markUs: number;
  #slowestS = 0;

  constructor(budgetS: number, nowUs: () => number) {
    this.#budgetS = budgetS;
    this.#nowUs = nowUs;
    this.#startUs = nowUs();
    this.#markUs = this.#startUs;
  }

  /** Windows of so many entries are done since the last call. */
  took(entries: number): void {
    const nowUs = this.#nowUs();
    this.#slowestS = Math.max(this.#slowestS, (nowUs - this.#markUs) / 1e6 / entries);
    this.#markUs = nowUs;
  }

  /** Whether a window of each of so many entries more is expected to end in time. */
  allows(entries: number): boolean {
    return (this.#nowUs() - this.#startUs) / 1e6 + entries * this.#slowestS <= this.#budgetS;
  }
}
