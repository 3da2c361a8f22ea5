import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { reduce, position, hasGap, nothing } = await source("console/inbox-talk.ts");
const { Outbox } = await source("console/inbox-outbox.ts");
const { Seen } = await source("console/inbox-seen.ts");

const play = (...frames) => frames.reduce((talk, frame) => reduce(talk, frame), nothing("c1"));
const asked = (seq, exchange) => ({
  type: "message",
  seq,
  exchange,
  from: "visitor",
  text: "Hello",
  client_message_id: `m${exchange}`,
});
const started = (seq, exchange, epoch) => ({ type: "reply.started", seq, exchange, epoch });
const delta = (exchange, epoch, index, text) => ({ type: "reply.delta", exchange, epoch, index, text });

function storage() {
  const kept = new Map();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
}

test("a streaming answer is its deltas in order, each once", () => {
  const { exchanges } = play(
    asked(1, 1),
    started(2, 1, 1),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 2, " days"),
    delta(1, 1, 1, "ty"),
  );
  assert.deepEqual([exchanges[0].response, exchanges[0].state], ["Sixty days", "running"]);
});

test("what the agent says after a takeover is late, and what it said before is kept and marked", () => {
  const { exchanges } = play(
    asked(1, 1),
    started(2, 1, 1),
    delta(1, 1, 0, "Half"),
    { type: "reply.cancelled", seq: 3, exchange: 1, epoch: 1, reason: "takeover" },
    { type: "handoff", seq: 4, epoch: 3, state: "staff" },
    delta(1, 1, 1, " and more"),
    delta(1, 2, 0, "Anew"),
  );
  const [{ response, state, reason }] = exchanges;
  assert.deepEqual([response, state, reason], ["Half", "stopped", "takeover"]);
});

test("a reply that is told again starts from nothing", () => {
  const { exchanges } = play(
    asked(1, 1),
    started(2, 1, 1),
    delta(1, 1, 0, "Old"),
    started(null, 1, 2),
    delta(1, 1, 1, " late"),
    delta(1, 2, 0, "New"),
  );
  assert.equal(exchanges[0].response, "New");
});

test("the position names the last delta of a reply only while it runs", () => {
  const running = play(asked(1, 1), started(2, 1, 1), delta(1, 1, 0, "a"), delta(1, 1, 1, "b"));
  assert.deepEqual(position(running), { seq: 2, exchange: 1, epoch: 1, index: 1 });
  assert.deepEqual(position(reduce(running, { type: "reply.completed", seq: 3, exchange: 1, epoch: 1 })), {
    seq: 3,
  });
});

test("resuming keeps what is there unless the server says that there is a gap", () => {
  const before = play(asked(1, 1), started(2, 1, 1), delta(1, 1, 0, "a"));
  const welcome = { type: "welcome", chat: "c1", last_seq: 9, recovered: true, messages: [] };
  assert.equal(reduce(before, welcome, true), before);
  assert.deepEqual(reduce(before, { ...welcome, recovered: false }, true).exchanges, []);
});

test("a missing delta is a gap once the answer has ended", () => {
  const torn = play(asked(1, 1), started(2, 1, 1), delta(1, 1, 1, "b"), {
    type: "reply.completed",
    seq: 3,
    exchange: 1,
    epoch: 1,
  });
  assert.equal(hasGap(torn.exchanges[0]), true);
});

test("what was written and not confirmed outlives a reload, in its order and with its reason", () => {
  const store = storage();
  const outbox = new Outbox("t-1", store);
  for (const key of ["a", "b", "c"]) outbox.add({ kind: "answer", chat: "c1", key, text: key, at: "" });
  outbox.drop("a");
  outbox.refuse("b", "No");
  outbox.sketch("note", "c1", "half a thou");
  const again = new Outbox("t-1", store);
  assert.deepEqual(
    again.of("c1").map(({ key, problem }) => [key, problem]),
    [
      ["b", "No"],
      ["c", undefined],
    ],
  );
  assert.deepEqual(
    again.due.map(({ key }) => key),
    ["c"],
  );
  assert.equal(again.draft("note", "c1"), "half a thou");
  assert.equal(again.draft("answer", "c1"), "");
  again.retry("b");
  assert.deepEqual(
    again.due.map(({ key }) => key),
    ["b", "c"],
  );
  assert.deepEqual(new Outbox("t-2", store).due, []);
});

test("a chat is news until it was looked at as it is now", () => {
  const seen = new Seen("t-1", storage());
  assert.equal(seen.has("c1", "2026-01-01T12:00:00.000Z"), false);
  seen.look("c1", "2026-01-01T12:00:00.000Z");
  assert.equal(seen.has("c1", "2026-01-01T12:00:00.000Z"), true);
  assert.equal(seen.has("c1", "2026-01-01T12:00:01.000Z"), false);
});
