import { z } from "zod";
import { askFirmware } from "../../device/vcgencmd.ts";
import { DeviceError } from "../../errors.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import { inputVolts, parseRails, type Rail } from "./rails.ts";

/** Each reading starts a process, which is a load of its own: no faster than this. */
const MAX_RATE_HZ = 10;
const COMMAND = "pmic_read_adc";
const SLOPE = 1.1451;
const OFFSET_W = 0.5879;

const config = z.strictObject({
  rateHz: z.number().positive().max(MAX_RATE_HZ).default(MAX_RATE_HZ).describe("readings a second, at most 10"),
});

/**
 * The power chip of a Raspberry Pi 5. It measures voltage and current of 12 rails; the power of the whole board is a model of
 * their sum, P = 1.1451 · Σ(V·I) + 0.5879 W, which github.com/jfikar/RPi5-power fitted to one board and a USB power meter. It
 * holds no USB devices, HATs or other loads of the 5 V line. The time of a reading is the middle of the call.
 * Faults: `vcgencmd-missing`, `vcgencmd-failed`, `no-rails`.
 */
export const pmic = defineDriver({
  id: "pmic",
  config,
  detect: () => {
    const answer = askFirmware(COMMAND);
    return answer.ok && parseRails(answer.text).length > 0;
  },
  async open({ rateHz }, host): Promise<Sensor> {
    const { rails } = readRails();
    return {
      rateHz,
      accumulates: false,
      channels: [
        {
          settings: {
            model: `${SLOPE} x sum of the rails + ${OFFSET_W} W`,
            rails: rails.map(({ name }) => name).join(" "),
            excludes: "USB devices, HATs and other loads of the 5 V line",
            reference: "github.com/jfikar/RPi5-power, fitted to one board",
          },
          limits: null,
          // How long the converters average is stated nowhere; what is shorter than the period cannot show.
          averagingUs: 1e6 / rateHz,
        },
      ],
      read([into]: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const { rails: measured, text } = readRails();
        into.tUs = (beforeUs + host.monotonicUs()) / 2;
        into.watts = SLOPE * sumW(measured) + OFFSET_W;
        into.volts = inputVolts(text);
        into.amps = Number.NaN;
        into.joules = Number.NaN;
        return true;
      },
      [Symbol.dispose]() {},
    };
  },
});

function sumW(rails: readonly Rail[]): number {
  let sum = 0;
  for (const { volts, amps } of rails) sum += volts * amps;
  return sum;
}

function readRails(): { rails: Rail[]; text: string } {
  const answer = askFirmware(COMMAND);
  if (!answer.ok) {
    throw new DeviceError(
      `cannot read the power chip: ${answer.reason}; only a Raspberry Pi 5 has one, and its user must be in the group video`,
      {
        code: answer.code,
        retryable: answer.code === "vcgencmd-failed",
      },
    );
  }
  const rails = parseRails(answer.text);
  if (rails.length > 0) return { rails, text: answer.text };
  throw new DeviceError(
    "cannot read the power chip: the firmware names no rail with voltage and current; only a Raspberry Pi 5 has them",
    { code: "no-rails", context: { answer: answer.text.slice(0, 200) } },
  );
}
