import { DeviceError } from "../errors.ts";
import type { I2cBus, OpenI2cBus } from "../i2c/bus.ts";
import { type ChipLocation, type I2cChip, openChip } from "../i2c/chip.ts";
import { hex } from "../i2c/hex.ts";

/** How a driver knows its chip. Evidence is a few words that say what was seen; `undefined` when another chip answers. */
export interface Recognition {
  /** By reading only, so it may be tried on anything that answers. */
  readonly recognise: (bus: I2cBus, address: number) => string | undefined;
  /** By writing, for a chip without id registers, when it was recognised. */
  readonly confirm?: (bus: I2cBus, address: number) => string | undefined;
  /** Where its ids are, for a chip that has some. */
  readonly ids?: IdRegisters;
}

/** Registers with the maker's id and with the id of the die, whose low four bits are a revision. */
export interface IdRegisters {
  readonly manufacturer: number;
  readonly die: number;
}

/** "TI" in ASCII. */
const TEXAS_INSTRUMENTS = 0x5449;
const REVISION_BITS = 4;

/** Where Texas Instruments' power monitors keep their ids: the older and the newer family. */
const ID_REGISTERS: readonly IdRegisters[] = [
  { manufacturer: 0xfe, die: 0xff },
  { manufacturer: 0x3e, die: 0x3f },
];

/** Die ids without revision, to name a chip that is not the one that was configured. */
const NAMES: Readonly<Record<number, string>> = {
  0x226: "INA226",
  0x227: "INA260",
  0x228: "INA228",
  0x238: "INA238",
  0x322: "INA3221",
};

/** `undefined` where a chip does not acknowledge the register; that the bus works has been seen before. */
function readWordIfThere(bus: I2cBus, address: number, register: number): number | undefined {
  try {
    return bus.readWord(address, register);
  } catch (error) {
    if (error instanceof DeviceError && (error.code === "no-answer" || error.code === "bus-error")) return undefined;
    throw error;
  }
}

/** The die id of a chip of Texas Instruments that has one. */
function readDieId(bus: I2cBus, address: number, registers: IdRegisters): number | undefined {
  if (readWordIfThere(bus, address, registers.manufacturer) !== TEXAS_INSTRUMENTS) return undefined;
  return readWordIfThere(bus, address, registers.die);
}

/** What a chip says that has id registers; `undefined` for one without. */
export function readAnyDieId(bus: I2cBus, address: number): number | undefined {
  for (const registers of ID_REGISTERS) {
    const id = readDieId(bus, address, registers);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Recognises a die of Texas Instruments by its id. @param die without its revision, such as 0x228 */
export function recogniseDie(registers: IdRegisters, die: number): Recognition {
  return {
    ids: registers,
    recognise(bus, address) {
      const id = readDieId(bus, address, registers);
      return id !== undefined && id >> REVISION_BITS === die ? `die id ${hex(id)}` : undefined;
    },
  };
}

/**
 * Only reads, so that no stranger is written to.
 * @throws {DeviceError} `wrong-chip`, naming the chip that answers if it says what it is; or a fault of the bus
 */
function requireChip(bus: I2cBus, location: ChipLocation, { recognise, confirm }: Recognition): void {
  const { name, address } = location;
  // The first access proves that someone answers; what follows may be refused by a stranger.
  bus.readWord(address, 0);
  if (recognise(bus, address) !== undefined) return;
  const id = readAnyDieId(bus, address);
  // A chip that is confirmed by writing has no id registers either: what it was not known by is the content of others.
  const missing = confirm === undefined ? "it has no id registers" : "its registers hold what that chip cannot";
  const found = id === undefined ? missing : `it is ${NAMES[id >> REVISION_BITS] ?? "another"}`;
  const die = id === undefined ? "" : `, die id ${hex(id)}`;
  throw wrongChip(location, `the chip at ${hex(address)} of /dev/i2c-${location.bus} is no ${name}: ${found}${die}`);
}

/**
 * Opens the bus, makes sure that the chip on it is the right one, and sets it up.
 * @returns the chip and its die id, `""` for one without
 * @throws {DeviceError} `wrong-chip`, what `setUp` throws, or a fault of the bus, which is closed again then
 */
export async function openRecognised(
  location: ChipLocation,
  openBus: OpenI2cBus,
  recognition: Recognition,
  setUp: (chip: I2cChip) => void,
): Promise<{ readonly chip: I2cChip; readonly dieId: string }> {
  let dieId = "";
  const chip = await openChip(location, openBus, (opened, bus) => {
    requireChip(bus, location, recognition);
    if (recognition.ids !== undefined) dieId = hex(opened.readWord(recognition.ids.die));
    setUp(opened);
  });
  return { chip, dieId };
}

export function wrongChip({ bus, address }: ChipLocation, what: string): DeviceError {
  return new DeviceError(`${what}; check address and source of the meter`, {
    code: "wrong-chip",
    context: { bus, address },
  });
}
