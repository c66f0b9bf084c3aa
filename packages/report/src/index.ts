export { ReportError } from "./errors.ts";
export { mergeResults } from "./merge.ts";
export { resultsTable, type ResultsTable, type TableCell, type TableColumn } from "./results-table.ts";
export { renderLayers, renderTable } from "./terminal.ts";
export { toMarkdown } from "./markdown.ts";
export { toCsv } from "./csv.ts";
export { FIGURE_NAMES, figure, figures, type Figure, type FigureName } from "./figures/index.ts";
export { writeLayersReport, writeReport } from "./write-report.ts";
export { studyFindings, type Finding } from "./study/words.ts";
