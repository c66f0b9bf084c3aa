import { describeMonitor } from "./monitor-contract.ts";

describeMonitor({
  type: "ina260",
  shuntOhm: 0.002,
  config: {},
  // Steps of 1.25 mA.
  resolution: 0.002,
  waveError: { square: 0.01, sine: 0.005, ramp: 0.01 },
  gapUs: 3 * 1176,
  tooMuch: { volts: 5, amps: 45 },
  overflow: /exceeds the chip's range/,
});
