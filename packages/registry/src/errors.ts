import { EdgewattError } from "@edgewatt/protocol";

/** The user asked the registry for something that it has not got, or cannot take: `unknown-model`, `ambiguous-model`, `name-taken`. */
export class RegistryError extends EdgewattError {}
