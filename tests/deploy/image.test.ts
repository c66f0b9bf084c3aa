import { access } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { read, ROOT } from "./compose-files.ts";

describe("deploy/Dockerfile", () => {
  it("takes compilers, tools and sources into no image, and runs the command line as a user of its own", async () => {
    const dockerfile = await read("deploy/Dockerfile");
    const [, build = "", run = ""] = dockerfile.split(/^FROM /m);
    expect(build).toMatch(/apt-get install .* g\+\+/);
    expect(build).toContain("npm ci --omit=dev --ignore-scripts");
    expect(run).not.toMatch(/apt-get|npm /);
    expect(run).toContain("COPY --from=build");
    expect(run).toMatch(/^USER node$/m);
    // The same tag for both stages, with a version.
    expect(dockerfile).toMatch(/^ARG NODE_VERSION=\d+\.\d+\.\d+$/m);
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual([
      "node:${NODE_VERSION}-bookworm-slim",
      "node:${NODE_VERSION}-bookworm-slim",
    ]);
    const entry = /^ENTRYPOINT \["node", "\/app\/(.+)"\]$/m.exec(run)?.[1] ?? "";
    await access(path.join(ROOT, entry));
    const ignored = await read("deploy/Dockerfile.dockerignore");
    expect(ignored.split("\n")).toEqual(expect.arrayContaining([".env", ".git", "**/node_modules", "**/dist"]));
  });

  it("and git leave the passwords out", async () => {
    expect((await read(".gitignore")).split("\n")).toContain(".env");
  });
});
