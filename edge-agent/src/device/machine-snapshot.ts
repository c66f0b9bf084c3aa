/** State of the machine at an edge of a window; `null` where it has no such sensor. */
export interface MachineSnapshot {
  /** The firmware's throttling bits. */
  readonly throttled: number | null;
}
