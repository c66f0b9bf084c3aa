// The hub serves the browser's build of this package under this path.
export { ulid } from "ulid";
