/** What the linter asks of a dashboard. */
export type Rule =
  | "uid"
  | "description"
  | "unit"
  | "refresh"
  | "panel-id"
  | "grid"
  | "datasource"
  | "letters"
  | "time-filter"
  | "catalogue"
  | "columns"
  | "estimate"
  | "link"
  | "variable"
  | "annotation"
  | "inputs";

export interface Problem {
  readonly rule: Rule;
  /** Dashboard, panel and target. */
  readonly where: string;
  readonly message: string;
}

/** Collects the problems of one place. */
export class Problems {
  readonly list: Problem[] = [];
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  /** @param holds what the rule asks for */
  expect(holds: boolean, rule: Rule, message: string): void {
    if (!holds) this.list.push({ rule, where: this.#where, message });
  }
}
