import type { Channel } from "@edgewatt/protocol";
import type { VirtualDevice } from "@edgewatt/testing";

export const T0 = 1_700_000_000_000_000;

/** Batch `seq` of stream power: ten points a second, five in a batch, always the same for the same number. */
export async function sendPower(device: VirtualDevice, seq: number, extra: Partial<Channel> = {}): Promise<void> {
  const t0 = T0 + seq * 500_000;
  const dt = [0, 100_000, 200_000, 300_000, 400_000];
  await device.send("power", seq, { main: { t0, dt, w: [3, 3.5, 4, 3.5, 3], source: "estimate", ...extra } });
}

export function sequence(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The acknowledgements of the first batches. */
export function ackKeys(count: number): Set<string> {
  return new Set(sequence(count).map((seq) => `power/1/${seq}`));
}
