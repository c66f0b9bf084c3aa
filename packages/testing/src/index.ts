export { startBroker, type TestBroker } from "./broker.ts";
export { type ChildEnd } from "./child.ts";
export { TestingError } from "./errors.ts";
export { eventually } from "./eventually.ts";
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
