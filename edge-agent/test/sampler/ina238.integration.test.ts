import { describeMonitor } from "./monitor-contract.ts";

describeMonitor({
  type: "ina238",
  shuntOhm: 0.015,
  config: { shuntOhm: 0.015, maxA: 10 },
  resolution: 0.002,
  // A reading cannot tell where in its 1.08 ms an edge was.
  waveError: { square: 0.01, sine: 0.005, ramp: 0.01 },
  gapUs: 3 * 1080,
  tooMuch: { volts: 5, amps: 11.5 },
  overflow: /exceeds/,
});
