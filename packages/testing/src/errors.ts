import { EdgewattError } from "@edgewatt/protocol";

/** Something a test stands on did not come about. */
export class TestingError extends EdgewattError {}
