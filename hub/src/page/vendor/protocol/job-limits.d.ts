// The hub serves this module of the protocol package under this path: it is free of Node.
export { MAX_ENTRIES, MAX_QUEUED_JOBS } from "@edgewatt/protocol";
