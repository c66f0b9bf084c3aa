/**
 * Run by `doctor`: `node probe-child.js <bus number> [--probe]`. Prints what {@link probeBus} finds as a JSON array, or ends
 * with 1 after a JSON object with the `code` and `message` of why the bus cannot be used. `--probe` allows it to write.
 */
import { EdgewattError } from "@edgewatt/protocol";
import { DeviceError } from "../errors.ts";
import { openLinuxBus } from "../i2c/linux.ts";
import { probeBus } from "./probe.ts";

const [busNumber = "", ...flags] = process.argv.slice(2);
try {
  if (!/^\d+$/.test(busNumber)) {
    throw new DeviceError(`${busNumber} is no number of a bus: give that of /dev/i2c-<number>`, { code: "bus-number" });
  }
  using bus = await openLinuxBus(Number(busNumber));
  process.stdout.write(`${JSON.stringify(probeBus(bus, { write: flags.includes("--probe") }))}\n`);
} catch (error) {
  if (!(error instanceof EdgewattError)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
  process.exitCode = 1;
}
