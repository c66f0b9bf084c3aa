// The hub serves this module of the protocol package under this path: it is free of Node.
export { runStateOf, type RunStateName } from "@edgewatt/protocol";
