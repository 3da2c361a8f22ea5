// Bundles widget, console and demo into dist/, which is committed so that nobody needs Node to run the
// platform. The same sources and lock give the same bytes; `--verify` fails when dist/ is not that rebuild.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const WIDGET_BUDGET_GZIP = 15 * 1024;
const TARGET = ["chrome108", "firefox110", "safari16.4"];
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

const built = {
  "widget.js": await bundle("widget/main.ts", { plugins: [styleText] }),
  "console.js": await bundle("console/main.ts"),
  "console.css": await bundle("console/console.css"),
  "demo.css": await bundle("demo/shop.css"),
  "favicon.svg": await readFile(here("console/favicon.svg")),
  "htmx.min.js": await readFile(here("node_modules/htmx.org/dist/htmx.min.js")),
};

const verify = process.argv.includes("--verify");
const report = [];
const stale = (await readdir(here("dist/"))).filter((name) => !(name in built));
for (const [name, bytes] of Object.entries(built)) {
  const gzip = gzipSync(bytes, { level: 9 }).length;
  report.push(`${name.padEnd(12)} ${bytes.length} bytes, ${gzip} gzip\n`);
  if (name === "widget.js" && gzip > WIDGET_BUDGET_GZIP) throw new Error("widget.js is over its size budget");
  if (!verify) await writeFile(here(`dist/${name}`), bytes);
  else if (!(await readFile(here(`dist/${name}`)).catch(() => bytes.subarray(1))).equals(bytes))
    stale.push(name);
}
if (verify && stale.length) throw new Error(`dist/ is not a rebuild of its sources: ${stale.join(", ")}`);
process.stdout.write(report.join(""));
