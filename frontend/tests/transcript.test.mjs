import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { reduce, hasGap } = await source("widget/transcript.ts");

const play = (...actions) => actions.reduce(reduce, { exchanges: [] });
const send = (key, text = "Hello") => ({ type: "local.send", key, text });
const ack = (key, exchange) => ({ type: "ack", client_message_id: key, exchange, chat: "c1", token: "t2" });
const delta = (exchange, epoch, index, text) => ({ type: "reply.delta", exchange, epoch, index, text });
const completed = (exchange, epoch) => ({ type: "reply.completed", exchange, epoch, grounded: true });
const past = (exchange, extra = {}) => ({
  exchange,
  request: "Hello",
  response: "Answer",
  citations: [],
  state: "completed",
  grounded: true,
  ...extra,
});
const welcome = (messages, chat = "c1") => ({
  type: "welcome",
  token: "t1",
  agent: { id: "a", name: "Desk", greeting: "Hi" },
  chat,
  messages,
});

test("a message is pending until the server has recorded it", () => {
  assert.equal(play(send("m1")).exchanges[0].sending, "pending");
  const { exchanges, chat, token } = play(send("m1"), ack("m1", 1));
  assert.deepEqual([exchanges[0].sending, exchanges[0].answering, exchanges[0].id], ["sent", "waiting", "1"]);
  assert.deepEqual([chat, token], ["c1", "t2"]);
});

test("the answer is its deltas in order, each once", () => {
  const { exchanges } = play(
    send("m1"),
    ack("m1", 1),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 2, " days"),
    delta(1, 1, 1, "ty"),
    delta(1, 1, 2, " days"),
    completed(1, 1),
  );
  assert.equal(exchanges[0].response, "Sixty days");
  assert.equal(exchanges[0].answering, "completed");
});

test("a higher epoch discards the older text, and an older epoch has nothing more to say", () => {
  const { exchanges } = play(
    send("m1"),
    ack("m1", 1),
    delta(1, 1, 0, "Old"),
    delta(1, 2, 0, "New"),
    delta(1, 1, 1, " late"),
    completed(1, 1),
  );
  assert.deepEqual([exchanges[0].response, exchanges[0].answering], ["New", "streaming"]);
});

test("a rerun after a failure clears the failure", () => {
  const failed = { type: "reply.failed", exchange: 1, code: "timeout", retryable: true };
  const { exchanges } = play(send("m1"), ack("m1", 1), failed, {
    type: "reply.started",
    exchange: 1,
    epoch: 2,
  });
  assert.deepEqual([exchanges[0].answering, exchanges[0].problem], ["waiting", undefined]);
});

test("a missing delta shows as a gap only once the answer is over, and a fresh welcome closes it", () => {
  const running = play(send("m1"), ack("m1", 1), delta(1, 1, 0, "A"), delta(1, 1, 2, "C"));
  assert.equal(hasGap(running.exchanges[0]), false);
  const torn = reduce(running, completed(1, 1));
  assert.equal(hasGap(torn.exchanges[0]), true);
  const healed = reduce(torn, welcome([past(1, { response: "ABC" })]));
  assert.deepEqual([hasGap(healed.exchanges[0]), healed.exchanges[0].response], [false, "ABC"]);
});

test("what was recorded but never acknowledged is not shown twice", () => {
  const { exchanges } = play(send("m1"), welcome([past(1)]), ack("m1", 1));
  assert.equal(exchanges.length, 1);
  assert.deepEqual([exchanges[0].key, exchanges[0].response, exchanges[0].sending], ["m1", "Answer", "sent"]);
  assert.equal(play(send("m1"), welcome([past(1, { client_message_id: "m1" })])).exchanges.length, 1);
});

test("reconnecting keeps unsent messages below the history and a running answer where it was", () => {
  const { exchanges } = play(
    send("m1"),
    ack("m1", 1),
    delta(1, 1, 0, "Six"),
    send("m2", "More"),
    welcome([past(1, { response: "", state: "running", grounded: null })]),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 1, "ty"),
  );
  assert.deepEqual(
    exchanges.map((one) => [one.key, one.response, one.sending]),
    [
      ["m1", "Sixty", "sent"],
      ["m2", "", "pending"],
    ],
  );
});

test("a chat that the server no longer has is said, and what was unsent goes into the new one", () => {
  const { exchanges, notice, chat } = play(send("m1"), ack("m1", 1), send("m2", "More"), welcome([], null));
  assert.deepEqual([exchanges.map((one) => one.key), notice.code, chat], [["m2"], "chat_lost", undefined]);
});

test("an error belongs to the message it names, else to nobody", () => {
  const error = { type: "error", code: "message_too_long" };
  const named = play(send("m1"), send("m2"), { ...error, client_message_id: "m2" });
  assert.deepEqual(
    named.exchanges.map((one) => one.sending),
    ["pending", "failed"],
  );
  const unnamed = play(send("m1"), error);
  assert.deepEqual([unnamed.exchanges[0].sending, unnamed.notice.code], ["pending", "message_too_long"]);
  const again = reduce(named, { type: "local.retry", key: "m2" });
  assert.deepEqual([again.exchanges[1].sending, again.exchanges[1].problem], ["pending", undefined]);
});

test("an exchange begun in another tab appears with its first event", () => {
  const { exchanges } = play({ type: "reply.started", exchange: 7, epoch: 1 }, delta(7, 1, 0, "Hi"));
  assert.deepEqual([exchanges[0].request, exchanges[0].response], ["", "Hi"]);
});
