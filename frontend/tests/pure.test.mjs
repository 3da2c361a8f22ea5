import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { segments, spoken } = await source("widget/segments.ts");
const { backoff } = await source("widget/backoff.ts");

test("only the numbers of known sources become markers", () => {
  const found = segments("Sixty days. [1] See list[9].", (number) => number === 1, false);
  assert.deepEqual(found, [
    { kind: "text", text: "Sixty days. " },
    { kind: "citation", number: 1 },
    { kind: "text", text: " See list[9]." },
  ]);
  assert.equal(
    spoken("Sixty days. [1]", () => true),
    "Sixty days.",
  );
});

test("a marker cut in two by the stream is held back, wherever it is cut", () => {
  const text = "Days. [12]";
  for (let end = 6; end < text.length; end++) {
    assert.deepEqual(segments(text.slice(0, end), () => true, true)[0].text.trim(), "Days.");
    assert.equal(segments(text.slice(0, end), () => true, true).length, 1);
  }
  assert.equal(segments(text, () => true, true).at(-1).number, 12);
});

test("waits double up to half a minute, and never fall together", () => {
  assert.deepEqual([backoff(0, () => 0), backoff(0, () => 1), backoff(3, () => 1)], [250, 500, 4000]);
  assert.deepEqual([backoff(99, () => 0), backoff(99, () => 1)], [15000, 30000]);
});
