export { type Clock, systemClock } from "./clock.ts";
export { commonConfig, listenConfig, portNumber } from "./common-config.ts";
export { loadConfig } from "./config.ts";
export { booleanWord } from "./boolean-word.ts";
export { DISK_RESERVE_MB, DiskWatch, freeDiskBytes } from "./disk-space.ts";
export { ConfigError, FileError, RuntimeError, TransportError, UnreachableError } from "./errors.ts";
export { EXIT, exitCodeOf } from "./exit-codes.ts";
export { dataDir, sha256File, syncFolder, writeFileAtomic } from "./files.ts";
export { lockFolder, PREDECESSOR_WAIT_MS, type FolderLock } from "./folder-lock.ts";
export { helpText } from "./help-text.ts";
export { hostId } from "./host-id.ts";
export { hostPort, listen, listenAddress } from "./listen.ts";
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logger.ts";
export { ManualClock } from "./manual-clock.ts";
export {
  brokerHealth,
  counter,
  counters,
  gauge,
  gauges,
  type Health,
  histogram,
  type Labelled,
  type Metric,
  type Observation,
} from "./metrics.ts";
export { connectMqtt } from "./mqtt.ts";
export type { ConnectOptions, MqttConnection, MqttSubscription } from "./mqtt-connection.ts";
export { displayUrl, type MqttMessage, type MqttWill, type PublishOptions } from "./mqtt-session.ts";
export { identityOf, isAlive, processIdentitySchema } from "./process-identity.ts";
export { putFile } from "./put-file.ts";
export { type RunningService, runService, type ServiceContext, type ServiceDefinition } from "./service.ts";
export { listenForStop, type StopSignals } from "./stop-signals.ts";
export { systemErrorCode } from "./system-error-code.ts";
export { topicMatches } from "./topic-filter.ts";
