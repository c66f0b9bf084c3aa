import { emptyReading, type Reading, type Sensor, type SensorHost } from "../../src/sensors/sensor.ts";

/** A host without a bus whose clock moves by `tickUs` each time somebody looks at it. */
export function fakeHost(root: string, tickUs = 0): SensorHost & { nowUs: number } {
  const host = {
    root,
    nowUs: 1_000_000,
    openI2cBus: () => Promise.reject(new RangeError("this machine has no I2C bus")),
    monotonicUs: () => (host.nowUs += tickUs),
  };
  return host;
}

/** One reading of every channel, which must be there. */
export function readAll(sensor: Sensor): Reading[] {
  const readings = sensor.channels.map(emptyReading);
  if (!sensor.read(readings)) throw new RangeError("no new reading");
  return readings;
}
