/** A line of line protocol without its line break, and the number of the first line of the file that it covers. */
export interface NumberedLine {
  readonly line: string;
  readonly number: number;
}

/** No line of InfluxDB is longer: text of a field has 64 KiB at most. A quote that never ends must not take all memory. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** How far a line has been read: whether its fields have begun, and whether its end stands in the text of one. */
interface Position {
  inFields: boolean;
  inText: boolean;
}

/** Reads on. A quote opens text only behind the `=` of a field; a backslash before a space or, in text, a quote takes its meaning. */
function advance(position: Position, part: string): void {
  for (let i = 0; i < part.length; i++) {
    const character = part[i];
    if (position.inText) {
      if (character === "\\") i++;
      else position.inText = character !== '"';
    } else if (character === " " && part[i - 1] !== "\\") position.inFields = true;
    else if (character === '"' && position.inFields) position.inText = part[i - 1] === "=";
  }
}

/**
 * The lines of line-protocol text as it comes, comments and empty lines left out. Text of a field may hold line breaks; a
 * quote that does not end makes a line of its own line alone, which the database then refuses.
 */
export async function* readLines(text: AsyncIterable<string>): AsyncGenerator<NumberedLine> {
  let rest = "";
  let number = 1;
  let open: string[] = [];
  let openLength = 0;
  let position: Position = { inFields: false, inText: false };

  function* take(part: string): Generator<NumberedLine> {
    if (open.length === 0) {
      if (part.startsWith("#") || part.trim() === "") {
        number++;
        return;
      }
      position = { inFields: false, inText: false };
    }
    open.push(part);
    openLength += part.length;
    if (open.length > 1 || part.includes('"')) advance(position, part);
    if (position.inText && openLength <= MAX_LINE_LENGTH) return;
    if (position.inText) yield* giveUp();
    else {
      const line = open.length === 1 ? part : open.join("\n");
      yield { line: line.endsWith("\r") ? line.slice(0, -1) : line, number };
      number += open.length;
    }
    open = [];
    openLength = 0;
  }

  /** The first of the open lines is broken; the others are lines of their own. */
  function* giveUp(): Generator<NumberedLine> {
    for (const line of open) {
      if (!line.startsWith("#") && line.trim() !== "") yield { line, number };
      number++;
    }
  }

  for await (const part of text) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield* take(line);
  }
  if (rest !== "") yield* take(rest);
  yield* giveUp();
}
