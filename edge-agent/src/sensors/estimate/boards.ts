/** Power of a board with an idle processor and with all cores busy, and who measured it. */
export interface BoardPower {
  readonly board: string;
  readonly idleW: number;
  readonly fullW: number;
  readonly reference: string;
}

const WALL = "measured at the wall, idle and under `stress-ng --matrix 0`";

const BOARDS: readonly (BoardPower & { readonly model: RegExp })[] = [
  {
    model: /Raspberry Pi 3 Model B Plus/,
    board: "Raspberry Pi 3 Model B Plus",
    idleW: 3.1,
    fullW: 5.6,
    reference: `github.com/geerlingguy/sbc-reviews/issues/16, ${WALL}`,
  },
  {
    model: /Raspberry Pi 4 Model B/,
    board: "Raspberry Pi 4 Model B",
    idleW: 1.6,
    fullW: 5,
    reference: `github.com/geerlingguy/sbc-reviews/issues/4, ${WALL}`,
  },
  {
    model: /Raspberry Pi 5/,
    board: "Raspberry Pi 5",
    idleW: 2.1,
    fullW: 7.7,
    reference: "github.com/ml-energy/zeus/issues/273, sum of the PMIC's rails, idle and under sustained load",
  },
  {
    model: /Raspberry Pi Compute Module 5/,
    board: "Raspberry Pi Compute Module 5",
    idleW: 2.4,
    fullW: 8.5,
    reference: `github.com/geerlingguy/sbc-reviews/issues/58, ${WALL}`,
  },
];

const UNKNOWN: BoardPower = {
  board: "unknown board",
  idleW: 2,
  fullW: 6,
  reference: "nominal, nobody measured this board: set idleW and fullW of `estimate` in the configuration",
};

/** The entry for a device-tree model such as `Raspberry Pi 4 Model B Rev 1.4`, or that of the unknown board. */
export function boardPower(model: string): BoardPower {
  const found = BOARDS.find((entry) => entry.model.test(model));
  if (!found) return UNKNOWN;
  const { board, idleW, fullW, reference } = found;
  return { board, idleW, fullW, reference };
}
