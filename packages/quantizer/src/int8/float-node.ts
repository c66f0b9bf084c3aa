/** A node that stays in float, and why. */
export interface FloatNode {
  readonly name: string;
  readonly op: string;
  readonly reason: string;
}
