import { z } from "zod";
import { readCpuTime, TICKS_PER_SECOND } from "../../device/cpu-time.ts";
import { boardModel } from "../../device/board.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import { boardPower } from "./boards.ts";

const RATE_HZ = 10;

const config = z.strictObject({
  idleW: z.number().positive().optional().describe("power of the whole board with an idle processor, W"),
  fullW: z.number().positive().optional().describe("power of the whole board with all cores busy, W"),
});

/**
 * No meter: P = idle + (full − idle) · CPU utilisation. Energy is the running total of that, from the kernel's cumulative
 * busy time, so rounding to clock ticks does not add up; the watts of one reading resolve 1 tick of 10 ms per core. Ticks
 * that come late would lift a reading above what a busy board draws: what is over is carried into the next reading.
 */
export const estimate = defineDriver({
  id: "estimate",
  config,
  async open(options, host): Promise<Sensor> {
    const table = boardPower(boardModel(host.root));
    const idleW = options.idleW ?? table.idleW;
    const fullW = options.fullW ?? table.fullW;
    const configured = options.idleW !== undefined || options.fullW !== undefined;
    const startUs = host.monotonicUs();
    const { busy: startBusy, cores } = readCpuTime(host.root);
    let lastUs = startUs;
    let lastJoules = 0;

    return {
      rateHz: RATE_HZ,
      hasOwnClock: false,
      accumulates: true,
      channels: [
        {
          settings: {
            model: "idle + (full - idle) x CPU utilisation",
            idleW,
            fullW,
            board: table.board,
            reference: configured ? "configuration of this device" : table.reference,
          },
          limits: null,
          averagingUs: 1e6 / RATE_HZ,
        },
      ],
      read([into]: readonly [Reading]) {
        const nowUs = host.monotonicUs();
        const seconds = (nowUs - startUs) / 1e6;
        const busySeconds = (readCpuTime(host.root).busy - startBusy) / TICKS_PER_SECOND / cores;
        if (nowUs <= lastUs) return false;
        const joules = idleW * seconds + (fullW - idleW) * busySeconds;
        const sinceS = (nowUs - lastUs) / 1e6;
        into.tUs = nowUs;
        into.watts = Math.min(fullW, Math.max(idleW, (joules - lastJoules) / sinceS));
        into.joules = lastJoules + into.watts * sinceS;
        into.volts = Number.NaN;
        into.amps = Number.NaN;
        lastUs = nowUs;
        lastJoules = into.joules;
        return true;
      },
      [Symbol.dispose]() {},
    };
  },
});
