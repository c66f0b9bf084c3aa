import { EdgewattError } from "@edgewatt/protocol";

/** A dashboard refers to something that the metrics catalogue does not have: a fault of the dashboard's source. */
export class CatalogueError extends EdgewattError {}
