/** Sloppy Markdown, as models write it and as nobody would: no word of it is lost, and where the stream is cut makes no difference. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { source } from "./sources.mjs";

const { Parse } = await source("widget/parse.ts");
const MARKS =
  "** * _ ~~ ` ```\n > -  1.  # | [ ]( ) $ \\ \n \n\n <  ![ http:// |---|\n <br> \\( \\[ $$".split(/ (?=\S)/);

/** What a renderer is told, as text. */
function told(text, cuts) {
  let out = "";
  let attributes = "";
  const renderer = {
    data: undefined,
    add_token: (_, token) => {
      out += `<${token}>`;
    },
    end_token: () => {
      out += "</>";
    },
    add_text: (_, part) => {
      out += part;
    },
    set_attr: (_, name, value) => {
      attributes += `{${name}=${value}}`;
    },
  };
  const parse = new Parse(renderer);
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    parse.write(text.slice(from, cut));
    from = cut;
  }
  parse.end();
  return out + parse.held + attributes;
}

function texts(count) {
  let state = 1;
  const random = (sides) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x7fffffff) * sides);
  };
  return Array.from({ length: count }, () =>
    Array.from(
      { length: 3 + random(14) },
      (_, at) => MARKS[random(MARKS.length)] + (random(3) ? `w${at}w` : ""),
    ).join(""),
  );
}

test("no word is lost, wherever it stands", () => {
  mock.method(console, "assert", () => {}); // the bundle has none of them
  const deep = ["> ".repeat(99), "- ".repeat(99), "**".repeat(99), "[".repeat(99), "*_".repeat(99)];
  for (const text of [...texts(4000), ...deep.map((marks) => `${marks}w0w`)])
    for (const word of text.match(/w\d+w/g) ?? [])
      assert.ok(told(text, []).includes(word), JSON.stringify(text));
});

test("cut anywhere, it is the same", () => {
  for (const text of texts(300)) {
    const whole = told(text, []);
    for (let cut = 1; cut < text.length; cut++) assert.equal(told(text, [cut]), whole, JSON.stringify(text));
  }
});

test("an address without an end ends with its line, and a fence takes no letter with it", () => {
  assert.match(told("[terms](https://shop.example\nYou have 30 days.", []), /You have 30 days\./);
  assert.match(told("```\nlet a = 1```\nafter", []), /let a = 1<\/>.*after/);
});
