import { setTimeout as sleep } from "node:timers/promises";
import type { Difference, Ledger } from "./ledger.ts";
import { lookAtRetained } from "./look.ts";
import type { FaultStack } from "./stack.ts";

const POLL_MS = 200;

export interface Recovery {
  /** From the end of the fault until all was well. */
  readonly seconds: number;
  readonly differences: readonly Difference[];
  /** What was not well when patience ended. */
  readonly missing: readonly string[];
  /** What was well last. */
  readonly slowest: readonly string[];
}

/** Waits until everything taken before `sinceMs` is stored, new points of every device follow it, and every part says that it is there. */
export async function awaitRecovery(options: {
  readonly stack: FaultStack;
  readonly ledger: Ledger;
  /** On `performance.now()`. */
  readonly sinceMs: number;
  readonly limitMs: number;
}): Promise<Recovery> {
  const { stack, ledger, sinceMs, limitMs } = options;
  const differences: Difference[] = [];
  const alive = new Set<string>();
  let slowest: readonly string[] = [];
  for (;;) {
    const missing = await lacking(async () => {
      const before = ledger.open;
      differences.push(...(await ledger.compare()));
      const still = new Set(ledger.open);
      for (const batch of before) {
        if (batch.seenMs > sinceMs && batch.stream === "power" && !still.has(batch)) alive.add(batch.device);
      }
      const late = ledger.open.filter(({ seenMs }) => seenMs <= sinceMs);
      const silent = stack.devices.filter((device) => !alive.has(device));
      return [
        ...(late.length > 0
          ? [`${late.length} batches are not stored: ${late.slice(0, 5).map(nameOf).join(", ")}`]
          : []),
        ...silent.map((device) => `nothing new of ${device} is stored`),
        ...(await absent(stack)),
      ];
    });
    const now = performance.now();
    const seconds = (now - sinceMs) / 1000;
    if (missing.length === 0 || now - sinceMs > limitMs) return { seconds, differences, missing, slowest };
    slowest = missing;
    await sleep(POLL_MS);
  }
}

/** A part that does not answer is what is lacking. */
async function lacking(look: () => Promise<string[]>): Promise<string[]> {
  try {
    return await look();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

async function absent(stack: FaultStack): Promise<string[]> {
  const { devices, services } = await lookAtRetained(stack.brokerUrl, []);
  const expected = [...stack.processesOf("ingest").map(({ spec }) => `ingest/${spec.name}`), "hub/hub-1"];
  const hub = await fetch(`${stack.hubUrl}/api/runs`, { signal: AbortSignal.timeout(5000) });
  return [
    ...stack.devices.flatMap((device) => {
      const state = devices.get(device)?.state;
      return state === "online" ? [] : [`${device} is retained as ${state ?? "nothing"}`];
    }),
    ...expected.flatMap((name) => {
      const status = services.get(name);
      return status?.state === "online" ? [] : [`${name} is ${status?.state ?? "unknown"} ${status?.reason ?? ""}`];
    }),
    ...(hub.ok ? [] : [`the hub answers ${hub.status}`]),
  ];
}

function nameOf({ device, stream, boot, seq }: { device: string; stream: string; boot: number; seq: number }): string {
  return `${device}/${stream}/${boot}/${seq}`;
}
