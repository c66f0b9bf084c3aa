import { EdgewattError } from "@edgewatt/protocol";

/**
 * The database answered and did not do what was asked. Codes: `unauthorized`, `no-database`, `refused` (its own message
 * says why), `failed` (a fault of the server), `unsupported` (another kind or version of database), `would-delete`,
 * `bad-duration`.
 */
export class DatabaseError extends EdgewattError {}
