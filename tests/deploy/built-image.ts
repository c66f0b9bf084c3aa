import { chmod, cp, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { startChild } from "@edgewatt/testing";
import { read, ROOT } from "./compose-files.ts";

const INSTALL_TIMEOUT_MS = 600_000;

/** Whether a line of a .dockerignore leaves a file out: `**` stands for any folders, `*` for any part of a name. */
function pattern(line: string): RegExp {
  const escaped = line.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  const body = escaped.replaceAll(/\*\*\/|\*/g, (stars) => (stars === "*" ? "[^/]*" : "(?:.*/)?"));
  return new RegExp(`^${body}(?:/|$)`);
}

/** `RUN` and `ENV` of the build stage after the sources are there, each as one line of shell. */
function steps(dockerfile: string): { run: string[]; env: Record<string, string> } {
  const [, build = ""] = dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split(/^FROM /m);
  const [before = "", after = ""] = build.split(/^COPY \. \.$/m);
  const settings = [...before.matchAll(/^ENV (.+)$/gm)].flatMap(([, text = ""]) => text.split(" "));
  return {
    run: [...after.matchAll(/^RUN (.+)$/gm)].map(([, command = ""]) => command),
    env: Object.fromEntries(settings.map((setting) => setting.split("=") as [string, string])),
  };
}

/**
 * Does in a folder what deploy/Dockerfile does in an image: copies what .dockerignore lets through and runs the steps of the build stage; in
 * the end nothing there can be written. What is missing is the other system around it.
 */
export async function buildTree(app: string): Promise<void> {
  const ignored = (await read("deploy/Dockerfile.dockerignore")).split("\n").filter(Boolean).map(pattern);
  await cp(ROOT, app, {
    recursive: true,
    filter: (source) => {
      const relative = path.relative(ROOT, source).split(path.sep).join("/");
      return !ignored.some((one) => one.test(relative));
    },
  });
  const { run, env } = steps(await read("deploy/Dockerfile"));
  // Node.js of this machine has its headers beside it, if it has them.
  const prefix = path.resolve(process.execPath, "../..");
  const hasHeaders = await stat(path.join(prefix, "include/node/node.h")).catch(() => undefined);
  const { npm_config_nodedir: _, ...settings } = env;
  for (const command of [...run, "chmod -R a-w,a+rX ."]) {
    const child = startChild("sh", ["-c", command], {
      cwd: app,
      timeout: INSTALL_TIMEOUT_MS,
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        ...settings,
        ...(hasHeaders === undefined ? {} : { npm_config_nodedir: prefix }),
        npm_config_prefer_offline: "true",
      },
    });
    const { code } = await child.ended;
    if (code !== 0) throw new TypeError(`${command} ended with ${code}\n${child.stdout()}\n${child.stderr()}`);
  }
}

/** Removes the tree's protection, so that it can be removed. */
export async function releaseTree(app: string): Promise<void> {
  await startChild("chmod", ["-R", "u+w", app]).ended;
}

const NOBODY = 65_534;

/** A folder that a part may write to, whoever it runs as. */
export async function dataFolder(dir: string, name: string): Promise<string> {
  const data = path.join(dir, name);
  await mkdir(data);
  await chmod(data, 0o777);
  return data;
}

/** The command before `node` that takes away what a container takes away: the user's name, its rights, and the way to more of them. */
export function confined(setpriv: string): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  return [setpriv, ...ids, "--no-new-privs", "--bounding-set=-all", "--pdeathsig", "KILL"];
}
