import { quantizeReportSchema, type QuantizeReport } from "@edgewatt/protocol";
import { QUANTIZER_VERSION } from "@edgewatt/quantizer/recipe";
import type { Making } from "./made.ts";
import type { QuantizeRequest } from "./messages.ts";

/** Int8 models. */
export const QUANTIZING: Making<QuantizeRequest, QuantizeReport> = {
  name: "quantize",
  version: QUANTIZER_VERSION,
  reportSchema: quantizeReportSchema,
  async make(worker, request, onProgress) {
    return (await worker.quantize(request, onProgress)).report;
  },
};
