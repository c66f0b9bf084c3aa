import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { lagSchema, observerEffectSchema } from "@edgewatt/protocol";
import { writeFileAtomic } from "@edgewatt/runtime";
import { z } from "zod";

const DAY_MS = 86_400_000;

const factsSchema = z.object({
  lag: z.object({ atMs: z.number(), found: lagSchema }).optional(),
  observer: z.object({ atMs: z.number(), found: observerEffectSchema.required({ latency: true }) }).optional(),
});

/** What was found out about a meter on this device, and when. */
export type MeterFacts = z.infer<typeof factsSchema>;

/** Facts about meters on disk, a day long: they change with wiring, board and settings, not from job to job. */
export class MeterFactStore {
  readonly #file: string;
  readonly #nowMs: () => number;

  constructor(file: string, nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
  }

  /** @param meter all that the facts depend on; other settings are another meter */
  async load(meter: unknown): Promise<MeterFacts> {
    const facts = (await this.#read())[keyOf(meter)];
    return { lag: this.#fresh(facts?.lag), observer: this.#fresh(facts?.observer) };
  }

  async save(meter: unknown, facts: MeterFacts): Promise<void> {
    await writeFileAtomic(this.#file, JSON.stringify({ ...(await this.#read()), [keyOf(meter)]: facts }));
  }

  #fresh<T extends { readonly atMs: number }>(fact: T | undefined): T | undefined {
    return fact !== undefined && Math.abs(this.#nowMs() - fact.atMs) < DAY_MS ? fact : undefined;
  }

  /** A file that is missing or damaged costs a new measurement, no more. */
  async #read(): Promise<Record<string, MeterFacts>> {
    try {
      return z.record(z.string(), factsSchema).parse(JSON.parse(await readFile(this.#file, "utf8")));
    } catch {
      return {};
    }
  }
}

function keyOf(meter: unknown): string {
  return createHash("sha256").update(JSON.stringify(meter)).digest("hex");
}
