import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const PARSES =
  /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc|\beval\(|new Function/;

test("nothing of ours parses HTML or runs a text, in the widget and on the pages of staff", async () => {
  for (const folder of ["widget", "console"]) {
    const root = new URL(`../${folder}/`, import.meta.url);
    const sources = (await readdir(root, { recursive: true })).filter((path) => path.endsWith(".ts"));
    assert.ok(sources.length > 9);
    for (const path of sources)
      assert.doesNotMatch(await readFile(new URL(path, root), "utf8"), PARSES, path);
  }
  assert.doesNotMatch(await readFile(new URL("../dist/widget.js", import.meta.url), "utf8"), PARSES);
});
