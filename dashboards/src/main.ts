import { CommandError, runCommand } from "./command.ts";

const FAILED = 1;
const USAGE = 2;

try {
  const { stdout } = await runCommand(process.argv.slice(2));
  process.stdout.write(stdout);
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  process.stderr.write(`edgewatt dashboards: ${error.message}\n`);
  process.exitCode = error.code === "usage" ? USAGE : FAILED;
}
