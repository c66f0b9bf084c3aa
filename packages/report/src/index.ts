export { ReportError } from "./errors.ts";
export { mergeResults } from "./merge.ts";
export { resultsTable, type ResultsTable, type TableCell, type TableColumn } from "./results-table.ts";
export { renderTable } from "./terminal.ts";
export { toMarkdown } from "./markdown.ts";
export { toCsv } from "./csv.ts";
export { FIGURE_NAMES, figure, figures, type Figure, type FigureName } from "./figures/index.ts";
export { writeReport } from "./write-report.ts";
export { renderLayers, writeLayersReport } from "./layers/write-layers.ts";
