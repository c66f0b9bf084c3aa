// The hub serves this module of the protocol package under this path: it is free of Node.
export { counted } from "@edgewatt/protocol";
