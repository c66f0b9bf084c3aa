const POLL_MS = 1000;

export interface CoolDownTools {
  /** How long to wait at most, s; 0 = never. */
  readonly limitS: number;
  /** How far above the first window's start the next may begin, °C. */
  readonly toleranceC: number;
  readonly readC: () => number | undefined;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Lets all windows begin at about the temperature at which the first began. A board that does not cool down to it in time has found
 * another equilibrium, which is what later windows are held to: waiting in vain before each of them would help nobody.
 */
export class CoolDown {
  readonly #tools: CoolDownTools;
  #referenceC: number | undefined;

  constructor(tools: CoolDownTools) {
    this.#tools = tools;
  }

  async wait(): Promise<void> {
    const { limitS, toleranceC, readC, sleep } = this.#tools;
    let nowC = readC();
    if (nowC === undefined || limitS === 0) return;
    const referenceC = (this.#referenceC ??= nowC);
    for (let waitedMs = 0; nowC > referenceC + toleranceC; waitedMs += POLL_MS) {
      if (waitedMs >= limitS * 1000) {
        this.#referenceC = nowC;
        return;
      }
      await sleep(POLL_MS);
      nowC = readC() ?? nowC;
    }
  }
}
