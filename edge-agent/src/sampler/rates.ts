/** The rate outside jobs, Hz. */
export const IDLE_RATE_HZ = 10;
