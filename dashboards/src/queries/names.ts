import type { Field, Measurement } from "@edgewatt/protocol";
import { CatalogueError } from "../errors.ts";

/** The columns that a query may name: those of a measurement, or those that an inner query gives. */
export interface Names {
  /** What they are of, for the message of an error. */
  readonly of: string;
  readonly fields: readonly string[];
  readonly tags: readonly string[];
}

export function namesOf(measurement: Measurement): Names {
  return {
    of: measurement.name,
    fields: measurement.fields.map(({ name }) => name),
    tags: measurement.tags.map(({ name }) => name),
  };
}

function absent(names: Names, kind: string, name: string): CatalogueError {
  return new CatalogueError(
    `${names.of} has no ${kind} ${name}: take one of ${[...names.fields, ...names.tags].join(", ")}`,
    {
      code: "not-in-catalogue",
      context: { measurement: names.of, [kind]: name },
    },
  );
}

/** The catalogue's entry of a field. @throws {CatalogueError} when the measurement has no such field */
export function fieldOf(measurement: Measurement, name: string): Field {
  const field = measurement.fields.find((candidate) => candidate.name === name);
  if (field) return field;
  throw absent(namesOf(measurement), "field", name);
}

/** A field, quoted. @throws {CatalogueError} */
function quotedField(names: Names, name: string): string {
  if (names.fields.includes(name)) return `"${name}"`;
  throw absent(names, "field", name);
}

/** A tag, quoted. @throws {CatalogueError} */
export function quotedTag(names: Names, name: string): string {
  if (names.tags.includes(name)) return `"${name}"`;
  throw absent(names, "tag", name);
}

/** A field or a tag, quoted. @throws {CatalogueError} */
export function quoted(names: Names, name: string): string {
  return names.fields.includes(name) ? quotedField(names, name) : quotedTag(names, name);
}
