// The hub serves this module of the protocol package under this path: it is free of Node.
export { benchmarkArguments, quantizeArguments } from "@edgewatt/protocol";
