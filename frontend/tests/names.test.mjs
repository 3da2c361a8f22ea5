import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { INNER } from "../names.mjs";

const read = (path) => readFile(new URL(`../${path}`, import.meta.url), "utf8");
const all = async (folder, ending) =>
  (await readdir(new URL(`../${folder}`, import.meta.url)))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);
const bare = (code) => code.replace(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"|`[^`]*`/g, "");

/** What others write, keep or read under these names: the wire, storage, other tabs, other bundles, which may be of another day. */
const SHARED = ["widget/frames.ts", "widget/memory.ts", "widget/tabs.ts", "widget/line.ts"];
/** Of these a bundle of its own has some too; the one that is asked for from outside, by its quoted name. */
const QUOTED = "element";
/** Of interfaces that we never touch (LargestContentfulPaint, LockManagerSnapshot). */
const OF_OTHERS = ["element", "pending"];

test("names that are shortened are known to nobody else", async () => {
  const paths = [...SHARED, ...(await all("widget/fallback", ".ts")), ...(await all("widget/extra", ".ts"))];
  const known = new Set();
  for (const path of paths)
    for (const [name] of bare(await read(path)).matchAll(/\w+/g)) if (name !== QUOTED) known.add(name);
  for (const path of [...(await all("widget/locales", ".json")), "widget/extra/en.json"])
    for (const name of Object.keys(JSON.parse(await read(path)))) known.add(name);
  assert.deepEqual(
    INNER.filter((name) => known.has(name)),
    [],
  );
});

test("names that are shortened are not the browser's", async () => {
  const folder = (await readdir(new URL("../node_modules/@typescript/", import.meta.url)))[0];
  const libraries = (await all(`node_modules/@typescript/${folder}/lib`, ".d.ts")).filter((path) =>
    /lib\.(dom|es\d+|es20\d\d\.\w+)\.d\.ts$/.test(path),
  );
  const declared = (await Promise.all(libraries.map(read))).join("\n");
  const browsers = new Set(
    Array.from(declared.matchAll(/^\s+(?:readonly |get |set )?(\w+)[?(<:]/gm), ([, name]) => name),
  );
  assert.ok(browsers.has("querySelector") && browsers.has("find"));
  assert.deepEqual(
    INNER.filter((name) => browsers.has(name)),
    OF_OTHERS.toReversed(),
  );
});
