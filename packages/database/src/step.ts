/** A change to the database, for people and to be run. */
export interface Step {
  readonly what: string;
  /** What it was before; `null` where there was nothing. */
  readonly from: string | null;
  readonly to: string;
  /** InfluxQL, in order. May hold passwords: show it through `withoutSecrets`. */
  readonly statements: readonly string[];
}
