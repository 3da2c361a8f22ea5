import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { backoff } = await source("widget/backoff.ts");
const { accents, contrast, parse } = await source("widget/color.ts");
const { linkAddress, quotedAddress, webAddress } = await source("widget/address.ts");

test("waits double up to half a minute, and never fall together", () => {
  assert.deepEqual([backoff(0, () => 0), backoff(0, () => 1), backoff(3, () => 1)], [250, 500, 4000]);
  assert.deepEqual([backoff(99, () => 0), backoff(99, () => 1)], [15000, 30000]);
});

test("any colour that a tenant picks can be read, in light and dark", () => {
  const rgb = (css) => css.match(/\d+/g).map(Number);
  const [white, dark] = [
    [255, 255, 255],
    [26, 29, 34],
  ];
  for (let number = 0; number < 4096; number += 7) {
    const color = parse(`#${number.toString(16).padStart(3, "0")}`);
    for (const surface of [white, dark]) {
      const found = accents(color, surface);
      assert.ok(contrast(rgb(found["--cwu-accent"]), rgb(found["--cwu-accent-text"])) >= 4.5, String(color));
      assert.ok(contrast(rgb(found["--cwu-accent-ink"]), surface) >= 4.5, String(color));
    }
  }
});

test("what is no colour changes nothing", () => {
  for (const text of ["", "red", "#12", "#1234567", "url(https://sink.example)", "#fff;background:red"])
    assert.equal(parse(text), undefined);
});

test("only what opens in a browser or a mail program is a link", () => {
  for (const url of [
    "javascript:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example",
    "blob:x",
    "/path",
  ])
    assert.equal(linkAddress(url), undefined, url);
  assert.equal(linkAddress("https://shop.example/a b"), "https://shop.example/a%20b");
  assert.equal(linkAddress("mailto:a@b.example"), "mailto:a@b.example");
  assert.equal(webAddress("mailto:a@b.example"), undefined);
});

test("a source opens at the sentence that was quoted", () => {
  assert.equal(
    quotedAddress("https://shop.example/help", "You have 30 days."),
    "https://shop.example/help#:~:text=You%20have%2030%20days.",
  );
  assert.equal(
    quotedAddress(
      "https://shop.example/help#returns",
      "One-two three four five, and then seven eight nine ten eleven",
    ),
    "https://shop.example/help#returns:~:text=One%2Dtwo%20three%20four%20five%2C%20and,seven%20eight%20nine%20ten%20eleven",
  );
  assert.equal(quotedAddress("javascript:alert(1)", "You have 30 days."), undefined);
});

test("every language says everything, with the same values in it", async () => {
  const folder = new URL("../widget/locales/", import.meta.url);
  const read = async (name) => JSON.parse(await readFile(new URL(name, folder), "utf8"));
  const extra = JSON.parse(await readFile(new URL("../extra/en.json", folder), "utf8"));
  const english = { ...(await read("en.json")), ...extra };
  const values = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  const names = (await readdir(folder)).filter((name) => name !== "en.json");
  assert.equal(names.length, 8);
  for (const name of names) {
    const words = await read(name);
    for (const [key, text] of Object.entries(english)) {
      assert.ok(words[key]?.trim(), `${name} ${key}`);
      // "One message" may be said without its number.
      if (!/_one$/.test(key)) assert.equal(values(words[key]), values(text), `${name} ${key}`);
    }
  }
});

test("languages count in their own way, and what a translation lacks is said in English", async () => {
  const { counted, speak, words } = await source("widget/words.ts");
  const read = async (name) =>
    JSON.parse(await readFile(new URL(`../widget/locales/${name}.json`, import.meta.url), "utf8"));
  assert.deepEqual([counted("unread", 1), counted("unread", 2)], ["1 new message", "2 new messages"]);
  speak("ar", await read("ar"));
  assert.deepEqual(
    [1, 2, 3].map((count) => counted("unread", count).replace(/[\d٠-٩]/g, "#")),
    ["رسالة جديدة واحدة", "رسالتان جديدتان", "# رسائل جديدة"],
  );
  speak("de", { stop: "Anhalten" });
  assert.equal(counted("unread", 2), "2 new messages");
  assert.equal(words.send, "Send");
});
