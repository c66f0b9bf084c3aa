export { startBroker, type TestBroker } from "./broker.ts";
export { type ChildEnd, startChild, type TestChild } from "./child.ts";
export { TestingError } from "./errors.ts";
export { eventually } from "./eventually.ts";
export {
  type ChipFaults,
  type ConverterErrors,
  createSimulatedBus,
  type SimulatedBus,
  type SimulatedBusOptions,
  type SimulatedChip,
  type SimulatedChipType,
  type SupplyLoad,
} from "./i2c/simulated-bus.ts";
export type { Waveform } from "./i2c/waveform.ts";
export type { Direction, LinkCondition } from "./proxy/condition.ts";
export { FaultProxy, type FaultProxyOptions } from "./proxy/fault-proxy.ts";
export { queryInflux } from "./influx-query.ts";
export { startInfluxd, type TestInfluxd } from "./influxd.ts";
export { startMosquitto, type TestMosquitto } from "./mosquitto.ts";
export { findCommand, installedCommand, requireSystem } from "./require-system.ts";
export {
  type CommandResult,
  runCommand,
  type SpawnedService,
  spawnService,
  type SpawnServiceOptions,
} from "./services.ts";
export { figure, scrape, type ScrapedMetric } from "./scrape.ts";
export { mountSmallDisk } from "./small-disk.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export { VirtualDevice } from "./virtual-device.ts";
export { requireKernel } from "./kernel/kernel-files.ts";
export { runInKernel } from "./kernel/run-guest.ts";
