import type { Line } from "@edgewatt/database";

/** Lines as one text, a line break after each. */
export interface LineBlock {
  readonly text: string;
  /** Where each line ends in the text, its line break included: a text field may hold a line break itself. */
  readonly ends: readonly number[];
}

export const NO_LINES: LineBlock = { text: "", ends: [] };

/** A block of lines, which have no line break at their end. */
export function toBlock(lines: readonly Line[]): LineBlock {
  let text = "";
  return { ends: lines.map((line) => (text += `${line}\n`).length), text };
}
