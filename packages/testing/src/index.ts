export { startBroker, type TestBroker } from "./broker.ts";
export { type ChildEnd, startChild, type TestChild } from "./child.ts";
export { TestingError } from "./errors.ts";
export { eventually } from "./eventually.ts";
export { createFakeIna219, type FakeIna219, type FakeIna219State } from "./i2c/fake-ina219.ts";
export { queryInflux } from "./influx-query.ts";
export { startInfluxd, type TestInfluxd } from "./influxd.ts";
export { startMosquitto, type TestMosquitto } from "./mosquitto.ts";
export { findCommand, requireSystem } from "./require-system.ts";
export {
  type CommandResult,
  runCommand,
  type SpawnedService,
  spawnService,
  type SpawnServiceOptions,
} from "./services.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export { VirtualDevice } from "./virtual-device.ts";
export { requireKernel } from "./kernel/kernel-files.ts";
export { runInKernel } from "./kernel/run-guest.ts";
