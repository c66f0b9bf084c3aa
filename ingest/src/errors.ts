import { EdgewattError } from "@edgewatt/protocol";

/**
 * The store has not taken a write, and no line of it is at fault: the same write is due again later. Codes: `unavailable`
 * (no answer, or a fault of the server), `wrong-server` (no InfluxDB), `unauthorized`, `no-database`, `file`, `disk-low`.
 */
export class SinkError extends EdgewattError {}
