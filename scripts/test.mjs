// npm test [-- [--fast] [vitest arguments…]]: makes the machine ready, builds, tests, and closes with one line of counts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// A checkout of the project's shared material beside this one holds the data sets.
const SHARED_DATASETS = path.resolve(root, "../shared/datasets");
const NOT_FAST = ["**/*.integration.test.ts", "tests/**"];

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function prepareSystem() {
  const script = "scripts/system-packages.sh";
  const check = () =>
    run("bash", [script, "--check"], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })
      .stdout.trim()
      .split("\n")
      .filter(Boolean);
  if (check().length === 0) return;
  // As root it installs; otherwise it prints the line that would.
  run("bash", [script], { stdio: ["ignore", "ignore", "inherit"] });
  const missing = check();
  if (missing.length === 0) return;
  const consequence = process.env["CI"] === "true" ? "fail, because CI=true" : "are skipped";
  say(`the tests that need ${missing.join(", ")} ${consequence}`);
}

/** A file that fails outside its tests (an import, a hook) counts as one failed test. */
function counts(report) {
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function runVitest(args) {
  const dir = mkdtempSync(path.join(tmpdir(), "edgewatt-test-report-"));
  const file = path.join(dir, "report.json");
  try {
    const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const { status } = run(process.execPath, [vitest, "run", ...reporters, ...args]);
    return { status: status ?? 1, report: JSON.parse(readFileSync(file, "utf8")) };
  } catch (error) {
    say(`vitest left no report: ${error.message}`);
    return { status: 1, report: undefined };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
const fast = given.includes("--fast");
const args = given.filter((arg) => arg !== "--fast");
if (fast) args.push(...NOT_FAST.map((pattern) => `--exclude=${pattern}`));
else prepareSystem();

if (process.env["EDGEWATT_DATASETS"] === undefined && existsSync(SHARED_DATASETS)) {
  process.env["EDGEWATT_DATASETS"] = SHARED_DATASETS;
}
const build = run("npm", ["run", "--silent", "build"]);
if (build.status !== 0) {
  say("the build failed; nothing was tested");
  process.exitCode = build.status ?? 1;
} else {
  const { status, report } = runVitest(args);
  const { passed, failed, skipped } = report ? counts(report) : { passed: 0, failed: 1, skipped: 0 };
  process.exitCode = status === 0 && failed > 0 ? 1 : status;
  process.stdout.write(`tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
}
