/**
 * The part of this package that a process needs to start and end. It loads no MQTT client, schema library or log writer: a command
 * that needs none of them would pay 350 ms of processor time and 30 MB for them.
 */
export { booleanWord } from "./boolean-word.ts";
export { EXIT, exitCodeOf } from "./exit-codes.ts";
export { listenForStop, type StopSignals } from "./stop-signals.ts";
export { systemErrorCode } from "./system-error-code.ts";
