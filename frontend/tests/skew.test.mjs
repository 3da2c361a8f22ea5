/** Servers newer than the page's widget: what they add is not understood, and breaks nothing. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { empty, fits, reduce } = await source("widget/transcript.ts");

/** Every frame of the contract that a server sends to visitors, in its order there. */
async function frames() {
  const text = await readFile(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const visitors = text.slice(0, text.indexOf("# The dashboard's socket"));
  const blocks = [...visitors.matchAll(/```json server\n([\s\S]*?)```/g)].map(([, block]) => block);
  return blocks.flatMap((block) =>
    block
      .trim()
      .split(/\n(?=\{)/)
      .map((one) => JSON.parse(one)),
  );
}

const play = (told) =>
  told.reduce((state, frame) => (fits(state, frame) ? reduce(state, frame) : state), empty);

test("frames with fields of tomorrow mean what they mean today", async () => {
  const told = await frames();
  assert.ok(told.length > 15);
  const newer = told.map((frame) => ({ ...frame, v: 2, novelty: { deep: [1, 2] }, text2: "x" }));
  const plain = (state) => JSON.stringify({ ...state, agent: state.agent?.name });
  assert.equal(plain(play(newer)), plain(play(told)));
});

test("frames of kinds that do not exist yet change nothing", async () => {
  for (const frame of await frames()) {
    const state = reduce(empty, frame);
    assert.equal(reduce(state, { ...frame, type: "holograms", seq: undefined }), state);
  }
});

test("an agent that learns new offers, states and reasons is still drawn", () => {
  const told = {
    type: "welcome",
    token: "t",
    chat: "c",
    last_seq: 3,
    recovered: false,
    offers: ["person", "holograms"],
    handled_by: "agent",
    agent: { id: "a", name: "Fern", greeting: "" },
    messages: [
      {
        exchange: 1,
        from: "visitor",
        request: "Hi",
        response: "",
        citations: [],
        state: "dreaming",
        grounded: null,
      },
    ],
  };
  const [one] = reduce(empty, told).exchanges;
  assert.equal(one.request, "Hi");
});
