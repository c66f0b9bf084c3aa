/** The rate outside jobs, Hz, unless telemetry wants more. */
export const IDLE_RATE_HZ = 10;
/** Intervals of telemetry in a second while a job runs, whatever it is outside. */
export const JOB_MEANS_HZ = 10;
