import type { LinkCondition } from "../proxy/condition.ts";
import { Random } from "./random.ts";

export const PROCESSES = ["agent", "runner", "sampler", "quantizer", "broker", "ingest", "hub", "influxd"] as const;
export type ProcessRole = (typeof PROCESSES)[number];

export const LINKS = ["agent-broker", "ingest-broker", "hub-broker", "ingest-influxd"] as const;
export type LinkRole = (typeof LINKS)[number];

/** Folders of an agent that may be on a disk of their own. */
export const DISKS = ["spool-disk", "journal-disk"] as const;
export type DiskRole = (typeof DISKS)[number];

/** What happens to a process: it is killed (SIGKILL), suspended for a while (SIGSTOP, SIGCONT), or restarted in order. */
const PROCESS_FAULTS = ["kill", "suspend", "restart"] as const;
type ProcessFault = (typeof PROCESS_FAULTS)[number];

const LINK_FAULTS = [
  "cut-rst",
  "cut-fin",
  "refuse",
  "half-open",
  "half-open-up",
  "half-open-down",
  "hold",
  "delay",
  "throttle",
  "hang",
] as const;
type LinkFault = (typeof LINK_FAULTS)[number];

/** One fault of one part, all of it drawn from the seed. */
export type Trial = {
  readonly number: number;
  /** Load runs for so long before the fault. */
  readonly leadMs: number;
  /** How long the fault lasts; 0 for one that is over at once. */
  readonly lastsMs: number;
  /** Which of several equal parts is hit, in [0, 1). */
  readonly which: number;
} & (
  | { readonly kind: "process"; readonly target: ProcessRole; readonly fault: ProcessFault }
  | { readonly kind: "disk"; readonly target: DiskRole; readonly fault: "full" }
  | {
      readonly kind: "link";
      readonly target: LinkRole;
      readonly fault: LinkFault;
      readonly condition: LinkCondition;
      readonly cut?: "rst" | "fin";
    }
);

/** Children of the agent have no orderly restart from outside. */
const CHILDREN: ReadonlySet<string> = new Set<ProcessRole>(["runner", "sampler", "quantizer"]);

type Hit =
  | { target: ProcessRole; fault: ProcessFault }
  | { target: LinkRole; fault: LinkFault }
  | { target: DiskRole; fault: "full" };

const MATRIX: readonly Hit[] = [
  ...PROCESSES.flatMap((target) =>
    PROCESS_FAULTS.filter((fault) => !(fault === "restart" && CHILDREN.has(target))).map((fault) => ({
      target,
      fault,
    })),
  ),
  ...LINKS.flatMap((target) => LINK_FAULTS.map((fault) => ({ target, fault }))),
];

const DISK_HITS: readonly Hit[] = DISKS.map((target) => ({ target, fault: "full" }));

/** The whole matrix in random order, again and again: the same seed gives the same plan, where the same can be hit. */
export function* planTrials(seed: number, { disks }: { disks: boolean }): Generator<Trial, never> {
  const random = new Random(seed);
  const hits = disks ? [...MATRIX, ...DISK_HITS] : MATRIX;
  for (let number = 1; ;) {
    for (const hit of random.shuffled(hits)) yield draw(hit, number++, random);
  }
}

function draw(hit: Hit, number: number, random: Random): Trial {
  const common = { number, leadMs: random.whole(0, 1000), which: random.next() };
  if (isProcessHit(hit)) {
    // Around and beyond the keepalive of the services, which is 2 s here, so that brokers notice at 3 s.
    const lastsMs = hit.fault === "suspend" ? random.whole(200, 5000) : 0;
    return { ...common, kind: "process", ...hit, lastsMs };
  }
  // Around and beyond the 5 s after which the spool tries a disk again that has failed.
  if (hit.fault === "full") return { ...common, kind: "disk", ...hit, lastsMs: random.whole(1000, 8000) };
  return { ...common, kind: "link", ...hit, ...drawLink(hit.fault, random) };
}

function isProcessHit(hit: Hit): hit is Extract<Hit, { target: ProcessRole }> {
  return PROCESSES.some((role) => role === hit.target);
}

function drawLink(
  fault: LinkFault,
  random: Random,
): { condition: LinkCondition; lastsMs: number; cut?: "rst" | "fin" } {
  switch (fault) {
    case "cut-rst":
      return { condition: {}, lastsMs: 0, cut: "rst" };
    case "cut-fin":
      return { condition: {}, lastsMs: 0, cut: "fin" };
    case "refuse":
      return { condition: { refuse: true }, lastsMs: random.whole(300, 3000), cut: "rst" };
    case "half-open":
      return { condition: { swallow: ["up", "down"] }, lastsMs: random.whole(500, 5000) };
    case "half-open-up":
      return { condition: { swallow: ["up"] }, lastsMs: random.whole(500, 5000) };
    case "half-open-down":
      return { condition: { swallow: ["down"] }, lastsMs: random.whole(500, 5000) };
    case "hold":
      return { condition: { hold: ["up", "down"] }, lastsMs: random.whole(300, 5000) };
    case "delay":
      return {
        condition: { delayMs: random.whole(20, 400), jitterMs: random.whole(0, 400) },
        lastsMs: random.whole(1000, 3000),
      };
    case "throttle":
      return { condition: { bytesPerS: random.whole(4000, 40_000) }, lastsMs: random.whole(1000, 3000) };
    case "hang":
      return { condition: { hangAfterBytes: random.whole(0, 200) }, lastsMs: random.whole(500, 3000) };
  }
}
