// Runs inside the virtual machine: the drivers of the agent through i2c-bus and the kernel's I²C stack on i2c-stub chips, beside
// the kernel's own driver for the same chips. Prints one JSON document.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openLinuxBus } from "./edge-agent/dist/i2c/linux.js";
import { ina219 } from "./edge-agent/dist/sensors/ina219/ina219.js";
import { emptyReading } from "./edge-agent/dist/sensors/sensor.js";
import { ina226 } from "./edge-agent/dist/sensors/ina226/ina226.js";

const BUS = 0;
const DEVICES = "/sys/bus/i2c/devices";
const SHUNT_OHM = 0.01;
/** The stub answers here, and nowhere else. */
const ADDRESS = { ours219: 0x40, ours226: 0x41, kernels219: 0x44, kernels226: 0x45, absent: 0x48 };

const require = createRequire(import.meta.url);
/** Reads and writes what a kernel driver owns, to play the chip. */
const chipSide = require("i2c-bus").openSync(BUS, { forceAccess: true });
const swap = (word) => ((word & 0xff) << 8) | (word >> 8);
const peek = (address, register) => swap(chipSide.readWordSync(address, register));
const poke = (address, register, value) => chipSide.writeWordSync(address, register, swap(value & 0xffff));

const monotonicUs = () => Number(process.hrtime.bigint()) / 1000;

/**
 * How each chip fills its registers (INA219: SBOS448G 8.5.1; INA226: SBOS547A 7.5), and what the stub cannot do by itself: the
 * ready flag is always up, and bit 0 of the INA219's calibration always 0.
 */
const CHIPS = {
  ina219: {
    driver: ina219,
    ours: ADDRESS.ours219,
    kernels: ADDRESS.kernels219,
    config: { shuntOhm: SHUNT_OHM, maxA: 10 },
    identify(address) {
      poke(address, 0x00, 0x399f);
    },
    onWrite: (register, value) => (register === 0x05 ? value & 0xfffe : value),
    fill(address, volts, amps) {
      const shunt = Math.round((amps * SHUNT_OHM) / 10e-6);
      const bus = Math.round(volts / 0.004);
      const current = Math.trunc((shunt * peek(address, 0x05)) / 4096);
      poke(address, 0x01, shunt);
      poke(address, 0x02, (bus << 3) | 0b10);
      poke(address, 0x03, Math.trunc((Math.abs(current) * bus) / 5000));
      poke(address, 0x04, current);
    },
  },
  ina226: {
    driver: ina226,
    ours: ADDRESS.ours226,
    kernels: ADDRESS.kernels226,
    config: { shuntOhm: SHUNT_OHM, maxA: 8 },
    identify(address) {
      poke(address, 0x00, 0x4127);
      poke(address, 0xfe, 0x5449);
      poke(address, 0xff, 0x2260);
    },
    onWrite: (_register, value) => value,
    fill(address, volts, amps) {
      const shunt = Math.round((amps * SHUNT_OHM) / 2.5e-6);
      const bus = Math.round(volts / 1.25e-3);
      const current = Math.trunc((shunt * peek(address, 0x05)) / 2048);
      poke(address, 0x01, shunt);
      poke(address, 0x02, bus);
      poke(address, 0x03, Math.trunc((Math.abs(current) * bus) / 20000));
      poke(address, 0x04, current);
      poke(address, 0x06, peek(address, 0x06) | 0x08);
    },
  },
};

/** The bus of the agent, with what a chip does to what is written. */
function hostOf(onWrite) {
  const openI2cBus = async (number) => {
    const bus = await openLinuxBus(number);
    return {
      readWord: (address, register) => bus.readWord(address, register),
      writeWord: (address, register, value) => bus.writeWord(address, register, onWrite(register, value)),
      [Symbol.dispose]: () => bus[Symbol.dispose](),
    };
  };
  return { openI2cBus, root: "", monotonicUs };
}

const text = (file) => readFileSync(file, "utf8").trim();

/** Binds the kernel's driver and gives a reader of what it reports, in V, A and W. */
function bindKernelDriver(chip, address) {
  writeFileSync(`${DEVICES}/i2c-${BUS}/new_device`, `${chip} 0x${address.toString(16)}`);
  const iio = readdirSync(`${DEVICES}/${BUS}-00${address.toString(16)}`).find((name) => name.startsWith("iio:"));
  const folder = `${DEVICES}/${BUS}-00${address.toString(16)}/${iio}`;
  // Units of IIO: mV, mA and mW after scaling.
  const value = (name) => (Number(text(`${folder}/${name}_raw`)) * Number(text(`${folder}/${name}_scale`))) / 1000;
  return {
    shuntOhm: Number(text(`${folder}/in_shunt_resistor`)),
    read: () => ({ volts: value("in_voltage1"), amps: value("in_current3"), watts: value("in_power2") }),
  };
}

function codeOf(run) {
  try {
    run();
    return "none";
  } catch (error) {
    return error.code;
  }
}

const result = { adapter: text(`${DEVICES}/i2c-${BUS}/name`), chips: {}, faults: {} };

for (const [name, chip] of Object.entries(CHIPS)) {
  chip.identify(chip.ours);
  chip.identify(chip.kernels);
  const kernel = bindKernelDriver(name, chip.kernels);
  const config = chip.driver.config.parse({ bus: BUS, address: chip.ours, ...chip.config });
  const sensor = await chip.driver.open(config, hostOf(chip.onWrite));
  const reading = emptyReading();
  const rows = [];
  for (const volts of [3.3, 4.632, 5, 5.124, 12]) {
    for (const amps of [0, 0.052, 0.5, 1.337, 2.5, 3.9]) {
      chip.fill(chip.ours, volts, amps);
      chip.fill(chip.kernels, volts, amps);
      const ready = sensor.read([reading]);
      rows.push({ volts, amps, ready, ours: { ...reading }, kernel: kernel.read() });
    }
  }
  result.chips[name] = { kernelShuntOhm: kernel.shuntOhm, settings: sensor.channels[0].settings, rows };
  sensor[Symbol.dispose]();
}

const bus = await openLinuxBus(BUS);
result.faults.absent = codeOf(() => bus.readWord(ADDRESS.absent, 0));
result.faults.owned = codeOf(() => bus.readWord(ADDRESS.kernels219, 0));
// The addon would go on with address 0 after a refused address: the next access must be refused just as well.
result.faults.ownedAgain = codeOf(() => bus.readWord(ADDRESS.kernels219, 0));
const nowhere = await openLinuxBus(7);
result.faults.noBus = codeOf(() => nowhere.readWord(ADDRESS.ours219, 0));

process.stdout.write(`${JSON.stringify(result)}\n`);
