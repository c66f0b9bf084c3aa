import { pruneReportSchema, type PruneReport } from "@edgewatt/protocol";
import { PRUNER_VERSION } from "@edgewatt/pruner/version";
import type { Making } from "./made.ts";
import type { PruneRequest } from "./messages.ts";

/** Models with fewer channels. */
export const PRUNING: Making<PruneRequest, PruneReport> = {
  name: "prune",
  version: PRUNER_VERSION,
  reportSchema: pruneReportSchema,
  async make(worker, request, onProgress) {
    return (await worker.prune(request, onProgress)).report;
  },
};
