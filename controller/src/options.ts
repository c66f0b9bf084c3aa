import { type Command, InvalidArgumentError, Option } from "commander";
import { booleanWord } from "@edgewatt/runtime/process";
import { UsageError } from "./errors.ts";

/** What every command takes. */
export interface JsonOption {
  readonly json?: true;
}

/** What a command takes that reads or writes the data folder. */
export interface DataOption {
  readonly data: string;
}

/** What a command takes that talks to a running stack. */
export interface BrokerOption extends DataOption, JsonOption {
  readonly broker?: string;
}

/** What a command takes that talks to InfluxDB. */
export interface DatabaseOption extends DataOption, JsonOption {
  readonly influx?: string;
  readonly influxUser?: string;
  readonly influxPassword?: string;
}

export interface DatasetsOption {
  readonly datasets?: string;
}

export function withJson(command: Command): Command {
  return command.option("--json", "print one JSON document on stdout and nothing else there");
}

export function withData(command: Command): Command {
  return command.option("--data <dir>", "data folder", ".edgewatt");
}

export function withBroker(command: Command): Command {
  return withBrokerUrl(withJson(withData(command)));
}

/** For a command that has `--data` already. */
export function withBrokerUrl(command: Command): Command {
  return command.option("--broker <url>", "MQTT broker; default: the one of the stack that runs on the data folder");
}

export function withDatabase(command: Command, { user = true }: { user?: boolean } = {}): Command {
  const described = withJson(withData(command)).option(
    "--influx <url>",
    "InfluxDB; default: that of the stack that runs on the data folder",
    httpAddress,
  );
  if (!user) return described;
  return described
    .option("--influx-user <name>", "user of InfluxDB")
    .option("--influx-password <text>", "its password; better in the environment than on the command line");
}

export function withDatasets(command: Command): Command {
  return command.option("--datasets <dir>", "folder that holds data sets, each in a folder of its own");
}

/** The environment variable of a flag: `--foo-bar` is `EDGEWATT_FOO_BAR`. */
export function variableOf(option: Option): string {
  return `EDGEWATT_${option.name().replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Takes from the environment what the flags of a command left open.
 * @throws {UsageError} that names every variable with a value that cannot be used
 */
export function applyEnvironment(command: Command, env: NodeJS.ProcessEnv): void {
  const problems: string[] = [];
  for (const option of command.options) {
    const key = option.attributeName();
    const source = command.getOptionValueSource(key);
    const variable = variableOf(option);
    const text = env[variable];
    if (text === undefined || text === "" || (source !== undefined && source !== "default")) continue;
    try {
      const value = option.isBoolean() ? booleanOf(text) : parse(option, text);
      if (value !== false) command.setOptionValueWithSource(key, value, "env");
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      problems.push(`${variable}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join("; "));
}

function booleanOf(text: string): boolean {
  const value = booleanWord(text);
  if (value === undefined) throw new InvalidArgumentError("expected true or false");
  return value;
}

function parse(option: Option, text: string): unknown {
  return option.parseArg === undefined ? text : option.parseArg(text, undefined as never);
}

/** `a,b`. */
export function list(text: string): readonly string[] {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length === 0) throw new InvalidArgumentError("expected names, separated by commas");
  return items;
}

export function httpAddress(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError("expected an address such as http://127.0.0.1:8086");
}

const UNITS_S = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** Seconds of `7d`, `36h`, `90m`; `forever` is 0. */
export function duration(text: string): number {
  if (text === "forever") return 0;
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS_S[unit as keyof typeof UNITS_S] ?? Number.NaN);
  if (seconds >= 3_600) return seconds;
  throw new InvalidArgumentError("expected 1h or more, as 7d or 36h, or forever");
}

/** A moment as ISO time, or as how long ago it was. */
export function moment(text: string): Date {
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const agoMs = Number(count) * 1000 * (UNITS_S[unit as keyof typeof UNITS_S] ?? Number.NaN);
  const date = new Date(Number.isNaN(agoMs) ? text : Date.now() - agoMs);
  if (!Number.isNaN(date.getTime()) && (!Number.isNaN(agoMs) || /^\d{4}-/.test(text))) return date;
  throw new InvalidArgumentError("expected a time such as 2026-11-26T08:00:00Z, or how long ago: 2h, 7d");
}

/** A parser of numbers that stay within bounds. */
export function number(bounds: { min?: number; max?: number; integer?: boolean } = {}): (text: string) => number {
  const { min = -Infinity, max = Infinity, integer = false } = bounds;
  return (text) => {
    const value = Number(text);
    if (
      text.trim() !== "" &&
      Number.isFinite(value) &&
      value >= min &&
      value <= max &&
      (!integer || Number.isInteger(value))
    ) {
      return value;
    }
    const what = integer ? "a whole number" : "a number";
    const limit = max === Infinity ? ` of at least ${min}` : ` from ${min} to ${max}`;
    throw new InvalidArgumentError(`expected ${what}${min === -Infinity ? "" : limit}`);
  };
}

/** Numbers separated by commas, as for means and sides. */
export function numbers(text: string): readonly number[] {
  return list(text).map(number());
}

/** A parser of lists that hold only known words. */
export function listOf<const T extends string>(known: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    list(text).map((item) => {
      const found = known.find((word) => word === item);
      if (found === undefined) throw new InvalidArgumentError(`expected ${known.join(" or ")}, separated by commas`);
      return found;
    });
}

export function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}
