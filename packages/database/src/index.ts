export { rowsOf, type Cell, type Series } from "./answer.ts";
export { DATABASE, DatabaseClient, type DatabaseAccess, withoutSecrets, type WriteRefusal } from "./client.ts";
export { DOWNSAMPLED, LATE_AFTER_S, LEVELS } from "./downsampling.ts";
export { describeDuration, type DurationS, MIN_RETENTION_S, parseDuration } from "./duration.ts";
export { DatabaseError } from "./errors.ts";
export { identifier, source, text } from "./influxql.ts";
export {
  escapeKey,
  escapeMeasurement,
  formatFieldValue,
  formatFileText,
  formatSeries,
  isTagValue,
  type Line,
  measurementOfLine,
} from "./line-protocol.ts";
export { recompute, type Stretch, wholeMinutes } from "./recompute.ts";
export { DEFAULT_RETENTION, type Retention, setUpRetention } from "./retention.ts";
export { type DatabaseState, isDownsampled, type Policy, rawPolicyOf, readState } from "./state.ts";
export type { Step } from "./step.ts";
export { createAdmin, hasAuthentication, lacksAdmin, setUpUsers, type WantedUser } from "./users.ts";
export { requireVersion1 } from "./support.ts";
export { headOfLine, measurementNameOf, timeOfLine } from "./line-head.ts";
export { type NumberedLine, readLines } from "./line-reader.ts";
export { measurementNames, readPoints, type Selection } from "./points.ts";
export { TouchedTime } from "./touched-time.ts";
export { type RefusedLine, writeLines } from "./write-lines.ts";
