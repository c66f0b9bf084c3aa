import { DeviceError } from "../errors.ts";
import type { I2cBus } from "../i2c/bus.ts";
import { hex } from "../i2c/hex.ts";
import { driverOf, SOURCE_IDS, type SourceId } from "./index.ts";
import { readAnyDieId } from "./recognition.ts";

const FIRST_ADDRESS = 0x40;
const LAST_ADDRESS = 0x4f;

/** Somebody that answers on a bus, and what it was told by. */
export interface FoundChip {
  readonly address: number;
  readonly chip: SourceId | "unknown";
  readonly evidence: string;
}

/** Codes of faults that concern one address; all others are the bus's own. */
const NOBODY = "no-answer";
const OF_ONE_ADDRESS = new Set(["address-busy", "bus-error"]);

function identify(bus: I2cBus, address: number, write: boolean): FoundChip {
  for (const id of SOURCE_IDS) {
    const { recognition } = driverOf(id);
    const evidence = recognition?.recognise(bus, address);
    if (recognition === undefined || evidence === undefined) continue;
    if (recognition.confirm === undefined) return { address, chip: id, evidence };
    if (!write) return { address, chip: id, evidence: `${evidence}; not confirmed, which takes writing` };
    const proof = recognition.confirm(bus, address);
    if (proof !== undefined) return { address, chip: id, evidence: `${evidence}; ${proof}` };
  }
  const dieId = readAnyDieId(bus, address);
  return {
    address,
    chip: "unknown",
    evidence: dieId === undefined ? "none of the chips that edgewatt reads" : `Texas Instruments, die id ${hex(dieId)}`,
  };
}

/**
 * Who answers at the addresses of power monitors, 0x40 to 0x4f. Only reads, unless `write` allows to confirm a chip without
 * id registers; its calibration is put back.
 * @throws {DeviceError} when the bus itself cannot be used
 */
export function probeBus(bus: I2cBus, { write }: { readonly write: boolean }): readonly FoundChip[] {
  const found: FoundChip[] = [];
  for (let address = FIRST_ADDRESS; address <= LAST_ADDRESS; address++) {
    try {
      bus.readWord(address, 0);
      found.push(identify(bus, address, write));
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (error.code === NOBODY) continue;
      if (!OF_ONE_ADDRESS.has(error.code)) throw error;
      found.push({ address, chip: "unknown", evidence: error.message });
    }
  }
  return found;
}
