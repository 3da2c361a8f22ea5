import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { source } from "./sources.mjs";

const kept = new Map();
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};
delete globalThis.BroadcastChannel; // as where a browser keeps tabs apart: storage is all that they share
const { Keeping } = await source("widget/keeping.ts");
const { reduce } = await source("widget/transcript.ts");

/** What conversation.ts does with a tab's news. */
class Tab {
  keeping = new Keeping("a");
  state = this.keeping.recall();

  does(action, isVouched = false) {
    const before = this.state;
    this.state = reduce(before, action);
    this.keeping.changed(before, this.state, isVouched);
  }

  writes(key) {
    this.does({ type: "local.send", key, text: key });
  }
}

const ack = (client_message_id, exchange) => ({
  type: "ack",
  client_message_id,
  exchange,
  seq: exchange,
  chat: "c1",
});
const unsent = () => (JSON.parse(kept.get("chatwithus:a")).unsent ?? []).map(({ key }) => key);

beforeEach(() => kept.clear());

test("two tabs that write offline keep what both wrote", () => {
  const [one, other] = [new Tab(), new Tab()];
  one.writes("m1");
  other.writes("m2");
  one.writes("m3");
  assert.deepEqual(unsent().sort(), ["m1", "m2", "m3"]);
  one.does(ack("m1", 1));
  assert.deepEqual(unsent().sort(), ["m2", "m3"]);
  other.does(ack("m2", 2));
  one.does(ack("m3", 3));
  assert.deepEqual(unsent(), []);
});

test("what a closed tab left is sent by the next, and then gone", () => {
  new Tab().writes("m1");
  const next = new Tab();
  assert.deepEqual(
    next.state.exchanges.map(({ key }) => key),
    ["m1"],
  );
  next.does(ack("m1", 1));
  assert.deepEqual(unsent(), []);
});

test("a message that failed is there after a reload, as failed", () => {
  const tab = new Tab();
  tab.writes("m1");
  tab.does({ type: "error", code: "message_too_long", client_message_id: "m1" });
  const [again] = new Tab().state.exchanges;
  assert.deepEqual([again.request, again.sending], ["m1", "failed"]);
});

test("of whom somebody vouches for nothing stays", () => {
  const tab = new Tab();
  tab.does({ type: "local.send", key: "m1", text: "m1" }, true);
  assert.deepEqual(unsent(), []);
});
