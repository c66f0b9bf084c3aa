/** How long a job may run unless its command says otherwise. */
export const DEFAULT_TIMEOUT_S = 7200;

/** How long after it was issued a command is still taken. */
export const DEFAULT_EXPIRY_MS = 3_600_000;

/** How many jobs wait behind the running one. */
export const MAX_QUEUED_JOBS = 8;

/** Models times precisions of one benchmark. */
export const MAX_ENTRIES = 64;
