import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { ENCODINGS, type Encoding } from "./encoding.ts";

/** One file of the page in every encoding in which it is smaller than plain, and plain. */
export interface PageFile {
  readonly type: string;
  readonly bodies: ReadonlyMap<Encoding, Buffer>;
  /** What a strong ETag of each encoding begins with. */
  readonly digest: string;
  /** Whether the address changes with the content, so that no browser need ever ask again. */
  readonly immutable: boolean;
}

const JAVASCRIPT = "text/javascript; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const HTML = "text/html; charset=utf-8";
/** Almost as small as 11, in a tenth of the time: a Raspberry Pi compresses at every start. */
const BROTLI_QUALITY = 9;

const own = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const dependency = (specifier: string) => fileURLToPath(import.meta.resolve(specifier));
const protocolFile = (name: string) => path.join(path.dirname(dependency("@edgewatt/protocol")), name);
const uplotFile = (name: string) => path.join(path.dirname(dependency("uplot")), name);

interface Source {
  readonly name: string;
  readonly type: string;
  readonly body: Buffer;
}

/**
 * Everything the live page is made of, by its path; read and compressed once, so that no request names a file. The vendor files are
 * those of node_modules: the page needs no bundler and no network. Scripts and styles lie under `/page/{version}/`, where the version is
 * a digest of all of them: relative imports stay inside, and a browser keeps them for good.
 */
export async function loadPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const [sources, index, icon] = await Promise.all([
    loadSources(),
    readFile(own("../../page/index.html"), "utf8"),
    readFile(own("../../page/icon.svg")),
  ]);
  const all = createHash("sha256");
  for (const { name, body } of sources) all.update(`${name}\0${body.byteLength}\0`).update(body);
  const root = `/page/${all.digest("hex").slice(0, 16)}/`;
  // What the main script imports is asked for at once, not one level of imports after the other.
  const preloads = sources
    .filter(({ type, name }) => type === JAVASCRIPT && name !== "main.js")
    .map(({ name }) => `<link rel="modulepreload" href="${root}${name}" />`);
  const html = index.replaceAll('="/page/', `="${root}`).replace("</head>", `${preloads.join("")}</head>`);
  const files = await Promise.all([
    compressed("/", { name: "index.html", type: HTML, body: Buffer.from(html) }, false),
    compressed("/icon.svg", { name: "icon.svg", type: "image/svg+xml", body: icon }, false),
    ...sources.map((source) => compressed(`${root}${source.name}`, source, true)),
  ]);
  return new Map(files);
}

async function loadSources(): Promise<Source[]> {
  const scripts = (await readdir(own("../../dist/page"))).filter((name) => name.endsWith(".js")).sort();
  const files: readonly (readonly [name: string, file: string, type: string])[] = [
    ["style.css", own("../../page/style.css"), CSS],
    ...scripts.map((name) => [name, own(`../../dist/page/${name}`), JAVASCRIPT] as const),
    ["vendor/uplot.css", uplotFile("uPlot.min.css"), CSS],
    ["vendor/mqtt.js", dependency("mqtt/dist/mqtt.esm"), JAVASCRIPT],
    // The part of the protocol that is free of Node: its rules are nowhere else.
    ...["topics.js", "names.js", "errors.js", "power-sources.js", "liveness.js", "job-states.js", "supersedes.js"].map(
      (name) => [`vendor/protocol/${name}`, protocolFile(name), JAVASCRIPT] as const,
    ),
  ];
  const read = files.map(async ([name, file, type]) => ({ name, type, body: await readFile(file) }));
  return Promise.all([...read, uplotModule()]);
}

/** uPlot ships its minified build as a script that sets one global only: as a module it exports that. */
async function uplotModule(): Promise<Source> {
  const script = await readFile(uplotFile("uPlot.iife.min.js"), "utf8");
  return { name: "vendor/uplot.js", type: JAVASCRIPT, body: Buffer.from(`${script}\nexport default uPlot;\n`) };
}

async function compressed(url: string, { type, body }: Source, immutable: boolean): Promise<[string, PageFile]> {
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    promisify(gzip)(body, { level: 9 }),
  ]);
  const bodies = new Map<Encoding, Buffer>();
  for (const [index, candidate] of [br, gz, body].entries()) {
    const encoding = ENCODINGS[index] ?? "identity";
    if (candidate === body || candidate.byteLength < body.byteLength) bodies.set(encoding, candidate);
  }
  return [url, { type, bodies, digest: createHash("sha256").update(body).digest("hex").slice(0, 32), immutable }];
}
