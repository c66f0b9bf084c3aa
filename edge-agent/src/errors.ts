import { EdgewattError } from "@edgewatt/protocol/errors";

/** A meter that cannot be read: the bus, the address or the register that failed is in `context`. */
export class DeviceError extends EdgewattError {}

/** A model, data set or result that cannot be fetched, is not what it says it is, or cannot be stored. */
export class ArtifactError extends EdgewattError {}

/** A child process of the agent that ended or answered otherwise than it must. */
export class ChildError extends EdgewattError {}

/** Why a job cannot go on; `code` and message become the reason in its state. */
export class JobError extends EdgewattError {}
