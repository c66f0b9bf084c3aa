import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";

/** A machine under a folder of its own, as the kernel and the firmware show themselves to us. */
export interface FakeMachine extends AsyncDisposable {
  readonly root: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Links are relative to the folder they are in, as in `/sys`. */
  link(links: Readonly<Record<string, string>>): Promise<void>;
  remove(name: string): Promise<void>;
  /** A `vcgencmd` that prints these texts, by its arguments, and comes first on the PATH for as long as the machine lives. */
  firmware(answers: Readonly<Record<string, string>>): Promise<void>;
}

export async function fakeMachine(files: Readonly<Record<string, string>> = {}): Promise<FakeMachine> {
  const dir = await tempDir();
  const formerPath = process.env["PATH"];
  const inside = async (name: string) => {
    const target = path.join(dir.path, name);
    await mkdir(path.dirname(target), { recursive: true });
    return target;
  };
  const machine: FakeMachine = {
    root: dir.path,
    async write(texts) {
      for (const [name, text] of Object.entries(texts)) await writeFile(await inside(name), text);
    },
    async link(links) {
      for (const [name, target] of Object.entries(links)) await symlink(target, await inside(name));
    },
    remove: (name) => rm(path.join(dir.path, name), { recursive: true }),
    async firmware(answers) {
      const cases = Object.entries(answers).map(([args, text]) => `  "${args}") cat <<'END'\n${text}\nEND\n  ;;\n`);
      const unknown = `error=1 error_msg="Command not registered"`;
      const script = `#!/bin/sh\ncase "$*" in\n${cases.join("")}  *) echo '${unknown}' ;;\nesac\n`;
      const file = await inside("bin/vcgencmd");
      await writeFile(file, script);
      await chmod(file, 0o755);
      process.env["PATH"] = `${path.dirname(file)}${path.delimiter}${formerPath}`;
    },
    async [Symbol.asyncDispose]() {
      process.env["PATH"] = formerPath;
      await dir[Symbol.asyncDispose]();
    },
  };
  await machine.write(files);
  return machine;
}
