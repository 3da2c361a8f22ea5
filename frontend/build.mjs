// Bundles widget, console and demo into dist/, which is committed so that nobody needs Node to run the
// platform. The same sources and lock give the same bytes; `--verify` fails when dist/ is not that rebuild.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import esbuild from "esbuild";
import { minify } from "terser";
import { INNER } from "./names.mjs";

const WIDGET_BUDGET_GZIP = 24 * 1024;
const TARGET = ["chrome108", "firefox110", "safari16.4"];
/** The licence of what is inside asks for it. */
const NOTICE = "/*! streaming-markdown (c) 2024 Damian Tarnawski, MIT */";
const here = (path) => new URL(path, import.meta.url);

const styleText = {
  name: "style-text",
  setup(build) {
    build.onLoad({ filter: /widget\/.*\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, "utf8"), {
        loader: "css",
        minify: true,
        target: TARGET,
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle(entry, options = {}) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: fileURLToPath(here(".")),
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  return Buffer.from(outputFiles[0].contents);
}

const LOCALES = ["ar", "de", "es", "fr", "hi", "ja", "pt", "zh"];
const locale = async (name) => {
  const words = JSON.parse(await readFile(here(`widget/locales/${name}.json`), "utf8"));
  return [`widget-${name}.json`, Buffer.from(JSON.stringify(words))];
};

/** Every visitor of every page pays for this one: it is squeezed once more. */
async function squeezed(bytes) {
  const compress = {
    passes: 6,
    keep_fargs: false,
    pure_getters: true,
    unsafe_arrows: true,
    hoist_funs: true,
  };
  const { code } = await minify(bytes.toString(), { ecma: 2022, compress, format: { preamble: NOTICE } });
  return Buffer.from(code);
}

const built = {
  "widget.js": await squeezed(
    await bundle("widget/main.ts", {
      plugins: [styleText],
      drop: ["console"],
      mangleProps: new RegExp(`^(${INNER.join("|")})$`),
    }),
  ),
  "widget-fallback.js": await bundle("widget/fallback/main.ts", { format: "esm" }),
  "widget-doctor.js": await bundle("widget/doctor/main.ts", { format: "esm" }),
  "widget-extra.js": await bundle("widget/extra/main.ts", { format: "esm", plugins: [styleText] }),
  ...Object.fromEntries(await Promise.all(LOCALES.map(locale))),
  "console.js": await bundle("console/main.ts"),
  "console.css": await bundle("console/console.css"),
  "demo.css": await bundle("demo/shop.css"),
  "favicon.svg": await readFile(here("console/favicon.svg")),
  "htmx.min.js": await readFile(here("node_modules/htmx.org/dist/htmx.min.js")),
};

/** What visitors load is served as it was packed here; two versions of zlib may pack the same bytes differently. */
const packed = {
  ".gz": [(bytes) => gzipSync(bytes, { level: 9 }), gunzipSync],
  ".br": [brotliCompressSync, brotliDecompressSync],
};
const isSame = (name, found, bytes) => {
  const [, unpack = (same) => same] = packed[name.slice(-3)] ?? [];
  return unpack(found).equals(bytes);
};

const verify = process.argv.includes("--verify");
const report = [];
const kept = new Set();
const stale = [];
async function keep(name, bytes, pack = (same) => same) {
  kept.add(name);
  const found = await readFile(here(`dist/${name}`)).catch(() => undefined);
  if (found && isSame(name, found, bytes)) return;
  if (verify) stale.push(name);
  else await writeFile(here(`dist/${name}`), pack(bytes));
}

for (const [name, bytes] of Object.entries(built)) {
  const gzip = gzipSync(bytes, { level: 9 }).length;
  report.push(`${name.padEnd(20)} ${bytes.length} bytes, ${gzip} gzip\n`);
  if (name === "widget.js" && gzip > WIDGET_BUDGET_GZIP)
    throw new Error(`widget.js is over its size budget: ${gzip} of ${WIDGET_BUDGET_GZIP} bytes`);
  await keep(name, bytes);
  if (name.startsWith("widget"))
    for (const [ending, [pack]] of Object.entries(packed)) await keep(name + ending, bytes, pack);
}
stale.push(...(await readdir(here("dist/"))).filter((name) => !kept.has(name)));
if (verify && stale.length) throw new Error(`dist/ is not a rebuild of its sources: ${stale.join(", ")}`);
process.stdout.write(report.join(""));
