import { EdgewattError } from "@edgewatt/protocol";
import { exitCodeOf } from "@edgewatt/runtime";
import { runCommand } from "./command.ts";

const say = (text: string) => {
  for (const line of text.split("\n")) process.stderr.write(`edgewatt dashboards: ${line}\n`);
};

try {
  process.exitCode = await runCommand(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    print: (text) => void process.stdout.write(text),
    say,
  });
} catch (error) {
  if (!(error instanceof EdgewattError)) throw error;
  say(error.message);
  process.exitCode = exitCodeOf(error);
}
