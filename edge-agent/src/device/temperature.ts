import { readFact } from "./board.ts";

/** Temperature of the processor, °C; `undefined` where the machine has no sensor. */
export function readTemperatureC(root = ""): number | undefined {
  const text = readFact(`${root}/sys/class/thermal/thermal_zone0/temp`);
  const milli = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isNaN(milli) ? undefined : milli / 1000;
}
