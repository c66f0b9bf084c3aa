import { EdgewattError } from "@edgewatt/protocol";

/** A client did what this broker does not allow. */
export class BrokerError extends EdgewattError {}
