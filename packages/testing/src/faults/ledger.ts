import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Point, TakenBatch } from "./points.ts";

/** Compared again after this, and then forgotten: a run may last for hours. */
const SETTLE_US = 120_000_000;
const CONFIRM_MS = 300;

/** What a comparison with the database found wrong. */
export interface Difference {
  readonly kind: "lost" | "doubled" | "changed";
  readonly point: Point;
}

/** Reads the points of a stretch of time from the database. */
export type ReadStored = (fromUs: number, toUs: number) => Promise<Map<string, Point>>;

/** The points that the devices took, held against those that the database has. */
export class Ledger {
  readonly #take: () => TakenBatch[];
  readonly #read: ReadStored;
  readonly #points = new Map<string, Point>();
  /** Not yet found in the database, in order of arrival. */
  #open: TakenBatch[] = [];
  /** Of each `device/boot/stream`: its numbers, and the digest of each one's batch. */
  readonly #digests = new Map<string, Map<number, string>>();
  /** Published, and not yet seen in the spool. */
  readonly #unspooled = new Set<string>();
  /** The boots in which telemetry was taken for a job. */
  readonly #jobBoots = new Map<string, Set<number>>();
  readonly #faults: string[] = [];
  readonly #known = new Set<string>();
  #settledUs: number | undefined;
  #total = 0;

  /** @param take gives the batches that were taken since its last call */
  constructor(take: () => TakenBatch[], read: ReadStored) {
    this.#take = take;
    this.#read = read;
  }

  /** Points taken so far. */
  get total(): number {
    return this.#total;
  }

  /** Batches that the database does not have yet. */
  get open(): readonly TakenBatch[] {
    return this.#open;
  }

  /** Contradictions within what was taken, since the last call: numbers with a hole or used twice, points that share an identity. */
  takeFaults(): string[] {
    return [...this.#faults.splice(0), ...this.#holes()];
  }

  /** Batches, since the last call, that were published and have never been on disk. */
  takeUnspooled(): string[] {
    const unspooled = [...this.#unspooled];
    this.#unspooled.clear();
    return unspooled;
  }

  #holes(): string[] {
    return [...this.#digests].flatMap(([key, digests]) => {
      const highest = [...digests.keys()].reduce((most, seq) => Math.max(most, seq), -1);
      if (digests.size === highest + 1) return [];
      const missing = Array.from({ length: highest }, (_, seq) => seq).filter((seq) => !digests.has(seq));
      return [`${key}: no batch has number ${missing.slice(0, 5).join(", ")}`];
    });
  }

  /** In how many boots of its device a job ran long enough to leave telemetry. */
  bootsOf(job: string): number {
    return this.#jobBoots.get(job)?.size ?? 0;
  }

  /** Takes in what is new, without asking the database. */
  follow(): void {
    for (const batch of this.#take()) this.#add(batch);
  }

  /**
   * Looks for all open batches in the database; those it has are open no more. Returns what it has beyond what was taken,
   * or with other values, in the same stretch of time; each once.
   */
  async compare(): Promise<Difference[]> {
    this.follow();
    const wanted = this.#open;
    if (wanted.length === 0) return [];
    const times = wanted.flatMap(({ points }) => points.map(({ tUs }) => tUs));
    const stored = await this.#read(...rangeOf(times));
    const differences = await this.#beyond(stored);
    const has = ({ id }: Point) => stored.has(id);
    const found = new Set(wanted.filter(({ points }) => points.every(has)));
    this.#open = this.#open.filter((batch) => !found.has(batch));
    return differences;
  }

  /** Gives up the open batches that were seen before `seenMs`, so that a later trial is not blamed for them. */
  async abandon(seenMs: number): Promise<Difference[]> {
    const late = this.#open.filter((batch) => batch.seenMs <= seenMs);
    if (late.length === 0) return [];
    const times = rangeOf(late.flatMap(({ points }) => points.map(({ tUs }) => tUs)));
    const stored = await this.#read(...times);
    this.#open = this.#open.filter((batch) => !late.includes(batch));
    return late
      .flatMap(({ points }) => points)
      .filter(({ id }) => !stored.has(id))
      .map((point) => {
        this.#points.delete(point.id);
        return { kind: "lost" as const, point };
      });
  }

  /** Compares once more, both ways, what is old enough that nothing of it can still be under way, and forgets it. */
  async settle(nowUs: number): Promise<Difference[]> {
    const first = this.#points.values().next().value?.tUs ?? nowUs;
    const fromUs = this.#settledUs ?? first;
    const openUs = Math.min(nowUs, ...this.#open.map(({ points }) => points[0]?.tUs ?? nowUs));
    const toUs = Math.min(nowUs - SETTLE_US, openUs - 1);
    if (toUs <= fromUs) return [];
    return this.#settleRange(fromUs, toUs);
  }

  /** The same for all that is left. */
  async settleAll(nowUs: number): Promise<Difference[]> {
    const first = this.#points.values().next().value?.tUs ?? nowUs;
    return this.#settleRange(this.#settledUs ?? first, nowUs);
  }

  async #settleRange(fromUs: number, toUs: number): Promise<Difference[]> {
    const stored = await this.#read(fromUs, toUs);
    const differences = await this.#beyond(stored);
    const open = new Set(this.#open.flatMap(({ points }) => points.map(({ id }) => id)));
    for (const [id, point] of this.#points) {
      if (point.tUs < fromUs || point.tUs > toUs || open.has(id)) continue;
      if (!stored.has(id)) differences.push({ kind: "lost", point });
      this.#points.delete(id);
    }
    this.#settledUs = toUs + 1;
    return differences;
  }

  /** InfluxDB may show one field of a point before another, so what is wrong must be wrong twice. */
  async #beyond(stored: ReadonlyMap<string, Point>): Promise<Difference[]> {
    // What was written after the database answered is no matter; what was taken before it did is known now.
    this.follow();
    const suspects = this.#differing(stored);
    if (suspects.length === 0) return [];
    await sleep(CONFIRM_MS);
    const again = await this.#read(...rangeOf(suspects.map(({ point }) => point.tUs)));
    const differences = this.#differing(again).filter(({ point }) => suspects.some((one) => one.point.id === point.id));
    for (const { point } of differences) this.#known.add(point.id);
    return differences;
  }

  #differing(stored: ReadonlyMap<string, Point>): Difference[] {
    return [...stored].flatMap(([id, point]): Difference[] => {
      if (this.#known.has(id) || (this.#settledUs !== undefined && point.tUs < this.#settledUs)) return [];
      const taken = this.#points.get(id);
      if (taken?.fields === point.fields) return [];
      return [{ kind: taken === undefined ? "doubled" : "changed", point }];
    });
  }

  #add(batch: TakenBatch): void {
    const { device, boot, stream, seq, job, text, from, points } = batch;
    const key = `${device}/${boot}/${stream}`;
    const name = `${key}/${seq}`;
    const digests = this.#digests.get(key) ?? new Map<number, string>();
    this.#digests.set(key, digests);
    const before = digests.get(seq);
    const digest = createHash("sha256").update(text).digest("base64");
    if (from === "spool") this.#unspooled.delete(name);
    else if (before === undefined) this.#unspooled.add(name);
    if (before === digest) return;
    if (before !== undefined) this.#faults.push(`${key}: number ${seq} was used twice`);
    digests.set(seq, digest);
    if (job !== undefined) this.#jobBoots.set(job, (this.#jobBoots.get(job) ?? new Set<number>()).add(boot));
    this.#total += points.length;
    for (const point of points) {
      if (this.#points.has(point.id)) this.#faults.push(`two points are ${point.id}`);
      this.#points.set(point.id, point);
    }
    if (points.length > 0) this.#open.push(batch);
  }
}

function rangeOf(times: readonly number[]): [number, number] {
  return times.reduce<[number, number]>(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Infinity, -Infinity],
  );
}
