import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

const JAVASCRIPT = "text/javascript; charset=utf-8";
const CSS = "text/css; charset=utf-8";

const own = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const dependency = (specifier: string) => fileURLToPath(import.meta.resolve(specifier));
const protocolFile = (name: string) => path.join(path.dirname(dependency("@edgewatt/protocol")), name);
const uplotFile = (name: string) => path.join(path.dirname(dependency("uplot")), name);

/** The part of the protocol that is free of Node: its rules are nowhere else. */
const PROTOCOL_MODULES = [
  "counted",
  "errors",
  "factors",
  "job-arguments",
  "job-limits",
  "job-states",
  "liveness",
  "message-version",
  "names",
  "new-command",
  "power-sources",
  "run-state",
  "supersedes",
  "topics",
];

/**
 * Everything the live page is made of, by its path; read once, so that no request names a file. The vendor files are
 * those of node_modules: the page needs no bundler and no network.
 */
export async function loadPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const scripts = (await readdir(own("../../dist/page"), { recursive: true })).filter((name) => name.endsWith(".js"));
  const files: readonly (readonly [url: string, file: string, type: string])[] = [
    ["/", own("../../page/index.html"), "text/html; charset=utf-8"],
    ["/style.css", own("../../page/style.css"), CSS],
    ["/icon.svg", own("../../page/icon.svg"), "image/svg+xml"],
    ...scripts.map((name) => [`/page/${name}`, own(`../../dist/page/${name}`), JAVASCRIPT] as const),
    ["/page/vendor/uplot.js", uplotFile("uPlot.esm.js"), JAVASCRIPT],
    ["/page/vendor/uplot.css", uplotFile("uPlot.min.css"), CSS],
    ["/page/vendor/mqtt.js", dependency("mqtt/dist/mqtt.esm"), JAVASCRIPT],
    ["/page/vendor/ulid.js", path.join(path.dirname(dependency("ulid")), "../browser/index.js"), JAVASCRIPT],
    ...PROTOCOL_MODULES.map(
      (name) => [`/page/vendor/protocol/${name}.js`, protocolFile(`${name}.js`), JAVASCRIPT] as const,
    ),
  ];
  return new Map(
    await Promise.all(
      files.map(async ([url, file, type]) => {
        const body = await readFile(file);
        return [
          url,
          { type, body, etag: `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"` },
        ] as const;
      }),
    ),
  );
}
