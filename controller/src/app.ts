import { createRequire } from "node:module";
import { Command, CommanderError, type Option } from "commander";
import { EXIT } from "@edgewatt/runtime/process";
import { addDatabaseCommands } from "./commands/database.ts";
import { addDatasetCommands } from "./commands/datasets.ts";
import { addDeviceCommands } from "./commands/devices.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addJobCommands } from "./commands/jobs.ts";
import { addModelCommands } from "./commands/models.ts";
import { addPruneCommand } from "./commands/prune.ts";
import { addReportCommands } from "./commands/report.ts";
import { addStackCommands } from "./commands/stack.ts";
import { addStudyCommand } from "./commands/study.ts";
import { addTelemetryCommands } from "./commands/telemetry.ts";
import { type App, type Context, say } from "./context.ts";
import { describeError, exitCodeFor, InterruptedError } from "./errors.ts";
import { applyEnvironment, variableOf } from "./options.ts";

/** What commander throws after it has shown a help text that was asked for. */
const HELP_SHOWN = new Set(["commander.helpDisplayed", "commander.version"]);

function versionOf(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return version;
}

function describeOption(option: Option): string {
  const shown = option.defaultValue === undefined ? "" : `; default: ${String(option.defaultValue)}`;
  const choices = option.argChoices === undefined ? "" : `; one of ${option.argChoices.join(", ")}`;
  const variable = option.long === "--help" || option.long === "--version" ? "" : ` (${variableOf(option)}${shown})`;
  return `${option.description}${choices}${variable}`;
}

function buildProgram(app: App): Command {
  const { context } = app;
  const program = new Command("edgewatt")
    .description("Quantizes and benchmarks ONNX models on a fleet of Raspberry Pis and shows the watts live.")
    .version(versionOf(), "-V, --version", "version of edgewatt")
    .exitOverride()
    .enablePositionalOptions()
    .configureHelp({ optionDescription: describeOption, helpWidth: context.stdout.columns ?? 100 })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) =>
        write(
          `edgewatt: ${text
            .replace(/^error: /, "")
            .trim()
            .replaceAll("\n", " ")
            .replace(/ is invalid\. /, " is invalid: ")
            .replace(/\.$/, "")}; see edgewatt --help\n`,
        ),
    })
    .hook("preAction", (_program, command) => applyEnvironment(command, context.env));
  addStackCommands(program, app);
  addDeviceCommands(program, app);
  addModelCommands(program, app);
  addDatasetCommands(program, app);
  addJobCommands(program, app);
  addPruneCommand(program, app);
  addStudyCommand(program, app);
  addReportCommands(program, app);
  addDatabaseCommands(program, app);
  addTelemetryCommands(program, app);
  addDoctorCommand(program, app);
  return program;
}

/** Whether an error only says that work ended because the user asked for it. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && "code" in error && error.code === "canceled");
}

/** Runs one command line; resolves with its exit code, having printed what went wrong in one line on stderr. */
export async function runApp(argv: readonly string[], context: Context): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram({ context, exitWith: (code) => void (exitCode = code) });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return HELP_SHOWN.has(error.code) ? EXIT.ok : EXIT.usage;
    const shown = isInterruption(error, context.signal) ? new InterruptedError() : error;
    say(context, `edgewatt: ${describeError(shown)}`);
    return exitCodeFor(shown);
  }
}
