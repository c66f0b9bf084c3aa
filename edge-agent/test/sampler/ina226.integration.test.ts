import { describeMonitor } from "./monitor-contract.ts";

describeMonitor({
  type: "ina226",
  shuntOhm: 0.02,
  config: { shuntOhm: 0.02, maxA: 4 },
  resolution: 0.002,
  // A reading cannot tell where in its 1.176 ms an edge was.
  waveError: { square: 0.01, sine: 0.005, ramp: 0.01 },
  gapUs: 3 * 1176,
  tooMuch: { volts: 5, amps: 5 },
  overflow: /range of 4 A/,
});
