/** Seen from the client: `up` goes to the target, `down` comes back from it. */
export type Direction = "up" | "down";

/** What is wrong with a link; every field adds a fault to the others, and none of them is a perfect link. */
export interface LinkCondition {
  /** Bytes arrive so much later. */
  readonly delayMs?: number;
  /** And up to so much later still, never out of order. */
  readonly jitterMs?: number;
  /** The most that passes in each direction of each connection. */
  readonly bytesPerS?: number;
  /** Bytes wait in these directions and pass when the condition is lifted, as after a lost route. */
  readonly hold?: readonly Direction[];
  /**
   * Bytes of these directions vanish, the end of a connection too, as when a peer lost its power. A connection that has
   * swallowed anything does so for the rest of its life: what follows a hole in a stream is of no use to anyone.
   */
  readonly swallow?: readonly Direction[];
  /** An answer stops after so many bytes of it, on a connection that stays open for good. */
  readonly hangAfterBytes?: number;
  /** Connections are refused, by a port that nobody listens on. */
  readonly refuse?: boolean;
}
