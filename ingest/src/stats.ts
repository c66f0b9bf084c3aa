/** Upper bounds of the time of a write, s; a last bucket holds what is above them. */
const WRITE_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Everything that an ingest counts, since its start. */
export interface IngestCounts {
  /** Points that became durable. */
  points: number;
  /** Acknowledgements published. */
  acks: number;
  /** Batches acknowledged. */
  batches: number;
  /** Points and batches that went to the dead-letter files. */
  deadLetters: number;
  /** Messages in which not even the batch's numbers can be read: neither stored nor acknowledged. */
  undecodable: number;
  /** Batches left to their agents because memory was full. */
  turnedAway: number;
  /** Attempts to write that stored nothing. */
  failedWrites: number;
}

/** How long writes took, in the shape of a Prometheus histogram. */
export interface WriteTimes {
  readonly count: number;
  readonly sumS: number;
  /** How many took at most `leS`, the buckets below included. */
  readonly buckets: readonly { readonly leS: number; readonly count: number }[];
}

/** The counters of an ingest, and the devices that it served. */
export class IngestStats {
  readonly counts: IngestCounts = {
    points: 0,
    acks: 0,
    batches: 0,
    deadLetters: 0,
    undecodable: 0,
    turnedAway: 0,
    failedWrites: 0,
  };
  #reported = { points: 0, acks: 0, batches: 0, deadLetters: 0 };
  #buckets = WRITE_BOUNDS_S.map(() => 0);
  #writes = 0;
  #writeSumS = 0;
  #devices = new Set<string>();
  #ownedDevices = 0;

  /** Devices whose batches were acknowledged in the last whole interval of reports. */
  get ownedDevices(): number {
    return this.#ownedDevices;
  }

  get writeTimes(): WriteTimes {
    let count = 0;
    const buckets = WRITE_BOUNDS_S.map((leS, index) => ({ leS, count: (count += this.#buckets[index] ?? 0) }));
    return { count: this.#writes, sumS: this.#writeSumS, buckets };
  }

  /** A write became durable. */
  wrote(seconds: number): void {
    this.#writes += 1;
    this.#writeSumS += seconds;
    const index = WRITE_BOUNDS_S.findIndex((bound) => seconds <= bound);
    if (index >= 0) this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  served(device: string): void {
    this.#devices.add(device);
  }

  /** What was counted since the last report that was kept, for the measurement `pipeline`. */
  sinceReport(): {
    readonly points: number;
    readonly acks: number;
    readonly batches: number;
    readonly deadLetters: number;
  } {
    const { points, acks, batches, deadLetters } = this.counts;
    return {
      points: points - this.#reported.points,
      acks: acks - this.#reported.acks,
      batches: batches - this.#reported.batches,
      deadLetters: deadLetters - this.#reported.deadLetters,
    };
  }

  /** The report found its way; the next one begins here. */
  reported(): void {
    this.#reported = { ...this.counts };
    this.#ownedDevices = this.#devices.size;
    this.#devices.clear();
  }
}
