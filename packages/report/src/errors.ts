import { EdgewattError } from "@edgewatt/protocol";

/** Results that cannot be merged or written. */
export class ReportError extends EdgewattError {}
