import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./sources.mjs";

const { empty, fits, position, reduce } = await source("widget/transcript.ts");

const play = (...actions) => actions.reduce(reduce, empty);
const send = (key, text = "Hello") => ({ type: "local.send", key, text });
const ack = (key, exchange, seq = 1) => ({
  type: "ack",
  client_message_id: key,
  exchange,
  seq,
  chat: "c1",
  token: "t2",
});
const message = (seq, exchange, key, extra = {}) => ({
  type: "message",
  seq,
  exchange,
  from: "visitor",
  text: "Hello",
  client_message_id: key,
  ...extra,
});
const started = (seq, exchange, epoch) => ({ type: "reply.started", seq, exchange, epoch });
const delta = (exchange, epoch, index, text) => ({ type: "reply.delta", exchange, epoch, index, text });
const completed = (seq, exchange, epoch) => ({
  type: "reply.completed",
  seq,
  exchange,
  epoch,
  grounded: true,
});
const cancelled = (seq, exchange, epoch, reason) => ({
  type: "reply.cancelled",
  seq,
  exchange,
  epoch,
  reason,
});
const handoff = (seq, state, epoch, extra = {}) => ({
  type: "handoff",
  seq,
  state,
  epoch,
  by: "staff",
  ...extra,
});
const past = (exchange, extra = {}) => ({
  exchange,
  from: "visitor",
  request: "Hello",
  response: "Answer",
  citations: [],
  state: "completed",
  grounded: true,
  ...extra,
});
const welcome = (messages = [], extra = {}) => ({
  type: "welcome",
  token: "t1",
  agent: { id: "a", name: "Desk", greeting: "Hi" },
  chat: "c1",
  handled_by: "agent",
  last_seq: 0,
  recovered: messages.length === 0,
  messages,
  ...extra,
});
/** A chat in which the reply to the first message is being written. */
const answering = (...actions) =>
  play(welcome(), send("m1"), ack("m1", 1), message(1, 1, "m1"), started(2, 1, 1), ...actions);
const shown = ({ exchanges }) => exchanges.map((one) => [one.key, one.response, one.answering]);

test("a message is pending until the server has recorded it, and queued until its reply begins", () => {
  assert.equal(play(send("m1")).exchanges[0].sending, "pending");
  const { exchanges, chat, token } = play(send("m1"), ack("m1", 1));
  assert.deepEqual([exchanges[0].sending, exchanges[0].answering, exchanges[0].id], ["sent", "queued", 1]);
  assert.deepEqual([chat, token], ["c1", "t2"]);
  assert.equal(answering().exchanges[0].answering, "waiting");
});

test("the acknowledged message itself counts, its acknowledgement does not", () => {
  assert.equal(play(welcome(), send("m1"), ack("m1", 1)).seq, 0);
  assert.equal(play(welcome(), send("m1"), ack("m1", 1), message(1, 1, "m1")).seq, 1);
  assert.equal(play(welcome(), send("m1"), message(1, 1, "m1"), ack("m1", 1)).exchanges.length, 1);
});

test("the answer is its deltas in order, each once", () => {
  const { exchanges } = answering(
    delta(1, 1, 0, "Six"),
    delta(1, 1, 0, "Six"),
    delta(1, 1, 1, "ty"),
    delta(1, 1, 2, " days"),
    completed(3, 1, 1),
  );
  assert.deepEqual([exchanges[0].response, exchanges[0].answering], ["Sixty days", "completed"]);
});

test("what does not follow on what is known does not fit, and is asked for from the last good place", () => {
  const state = answering(delta(1, 1, 0, "Six"), delta(1, 1, 1, "ty"));
  assert.deepEqual(position(state), { seq: 2, exchange: 1, epoch: 1, index: 1 });
  assert.equal(fits(state, delta(1, 1, 2, " days")), true);
  assert.equal(fits(state, delta(1, 1, 3, " days")), false);
  assert.equal(fits(state, delta(1, 2, 0, "New")), false, "a reply begins by reply.started");
  assert.equal(fits(state, delta(2, 1, 0, "Other")), false);
  assert.equal(fits(state, completed(3, 1, 1)), true);
  assert.equal(fits(state, completed(4, 1, 1)), false);
  assert.equal(fits(state, ack("m9", 9, 9)), true, "an acknowledgement may overtake");
  assert.deepEqual(position(reduce(state, completed(3, 1, 1))), { seq: 3 });
  assert.equal(position(play(welcome([], { chat: null }))), undefined);
});

test("a reply that begins again throws its text away, also under the same epoch", () => {
  const again = answering(delta(1, 1, 0, "Old"), started(null, 1, 1), delta(1, 1, 0, "New"));
  assert.deepEqual(shown(again), [["m1", "New", "streaming"]]);
  const newer = answering(
    delta(1, 1, 0, "Old"),
    started(3, 1, 2),
    delta(1, 2, 0, "New"),
    delta(1, 1, 1, "!"),
  );
  assert.deepEqual(shown(reduce(newer, completed(null, 1, 1))), [["m1", "New", "streaming"]]);
});

test("a rerun after a failure clears the failure", () => {
  const failed = { type: "reply.failed", seq: 3, exchange: 1, epoch: 1, code: "timeout", retryable: true };
  assert.equal(answering(failed).exchanges[0].problem.code, "timeout");
  const { exchanges } = answering(failed, started(4, 1, 2));
  assert.deepEqual([exchanges[0].answering, exchanges[0].problem], ["waiting", undefined]);
});

test("messages sent while a reply runs are queued, in the server's order, with the unsent below", () => {
  const state = answering(
    send("m2", "Mine"),
    send("m3", "Unsent"),
    message(3, 2, "other", { text: "From another tab" }),
    message(4, 3, "m2", { text: "Mine" }),
  );
  assert.deepEqual(
    state.exchanges.map((one) => [one.key, one.request, one.answering]),
    [
      ["m1", "Hello", "waiting"],
      ["other", "From another tab", "queued"],
      ["m2", "Mine", "queued"],
      ["m3", "Unsent", "none"],
    ],
  );
});

test("a recovered welcome keeps what is shown; another replaces all but what was not sent", () => {
  const before = answering(delta(1, 1, 0, "Six"), send("m2", "More"));
  const kept = reduce(before, welcome());
  assert.deepEqual([shown(kept), kept.seq], [shown(before), 2]);
  const whole = welcome([past(1, { client_message_id: "m1", state: "running", response: "" })], {
    last_seq: 9,
  });
  const replaced = reduce(before, whole);
  assert.deepEqual(shown(replaced), [
    ["m1", "", "waiting"],
    ["m2", "", "none"],
  ]);
  assert.equal(replaced.seq, 9);
});

test("after a reload a recovered welcome tells everything, since nothing is shown yet", () => {
  const known = { type: "local.known", token: "t0", chat: "c1" };
  const state = play(known, { ...welcome([past(1)]), recovered: true });
  assert.deepEqual(shown(state), [["exchange-1", "Answer", "completed"]]);
});

test("what was recorded but never acknowledged is not shown twice", () => {
  const told = play(send("m1"), welcome([past(1, { client_message_id: "m1" })]), ack("m1", 1));
  assert.deepEqual(shown(told), [["m1", "Answer", "completed"]]);
});

test("a chat that the server no longer has is said, and what was unsent goes into the new one", () => {
  const before = answering(send("m2", "More"));
  const { exchanges, notice, chat } = reduce(before, welcome([], { chat: null, recovered: false }));
  assert.deepEqual([exchanges.map((one) => one.key), notice.code, chat], [["m2"], "chat_lost", undefined]);
});

test("what a conversation that was left had still to say is not said in the next", () => {
  const fresh = answering(send("m2"), { type: "local.fresh" });
  assert.equal(reduce(fresh, ack("m2", 2)), fresh);
});

test("an error belongs to the message it names, else to nobody", () => {
  const error = { type: "error", code: "message_too_long" };
  const named = play(send("m1"), send("m2"), { ...error, client_message_id: "m2" });
  assert.deepEqual(
    named.exchanges.map((one) => one.sending),
    ["pending", "failed"],
  );
  const held = play(send("m1"), { type: "error", code: "too_many", client_message_id: "m1" });
  assert.deepEqual([held.exchanges[0].sending, held.exchanges[0].problem.code], ["pending", "too_many"]);
  assert.equal(reduce(held, ack("m1", 1)).exchanges[0].problem, undefined);
  const gone = play(send("m1"), { type: "error", code: "no_such_chat", client_message_id: "m1" });
  assert.equal(gone.exchanges[0].sending, "pending", "it is said in another chat");
  const unnamed = play(send("m1"), error);
  assert.deepEqual([unnamed.exchanges[0].sending, unnamed.notice.code], ["pending", "message_too_long"]);
  const again = reduce(named, { type: "local.retry", key: "m2" });
  assert.deepEqual([again.exchanges[1].sending, again.exchanges[1].problem], ["pending", undefined]);
});

test("a takeover keeps the text, marks it, and nothing late is shown", () => {
  const state = answering(
    delta(1, 1, 0, "Six"),
    send("m2"),
    message(3, 2, "m2"),
    cancelled(4, 1, 1, "takeover"),
    handoff(5, "staff", 2, { name: "Ada" }),
    delta(1, 1, 1, " late"),
    started(null, 2, 1),
  );
  assert.deepEqual(shown(state), [
    ["m1", "Six", "stopped"],
    ["m2", "", "person"],
  ]);
  assert.equal(state.exchanges[0].reason, "takeover");
  assert.deepEqual([state.handledBy, state.name, state.floor], ["staff", "Ada", 2]);
  assert.deepEqual(state.notes, [{ seq: 5, after: 2, kind: "joined", name: "Ada" }]);
});

test("staff speak under their name until they hand back, and each step is noted once", () => {
  const ada = { from: "staff", text: "Hello, this is Ada.", name: "Ada" };
  const told = [
    handoff(1, "waiting", 1, { by: "visitor" }),
    handoff(2, "staff", 2, { name: "Ada" }),
    message(3, 1, "s1", ada),
    { type: "assigned", seq: 4, name: "Ben" },
    handoff(5, "agent", 3),
  ];
  const state = play(welcome(), ...told, ...told);
  assert.deepEqual(
    state.notes.map(({ kind, name, after }) => [kind, name, after]),
    [
      ["joined", "Ada", 0],
      ["joined", "Ben", 1],
      ["back", undefined, 1],
    ],
  );
  assert.deepEqual([state.exchanges[0].staff, state.exchanges[0].response], ["Ada", ada.text]);
  assert.deepEqual([state.handledBy, state.name], ["agent", undefined]);
});

test("a chat that ended begins again with the next message", () => {
  const ended = answering(completed(3, 1, 1), { type: "resolved", seq: 4, by: "idle" });
  assert.deepEqual([ended.isResolved, ended.handledBy], [true, "agent"]);
  assert.equal(reduce(ended, message(5, 2, "m2")).isResolved, false);
});

test("typing is shown until the message comes or it is quiet", () => {
  const typing = play(welcome(), { type: "typing", from: "staff", name: "Ada" });
  assert.deepEqual(typing.typing, { name: "Ada" });
  assert.equal(reduce(typing, { type: "local.quiet" }).typing, undefined);
  assert.equal(reduce(typing, message(1, 1, "s1", { from: "staff", name: "Ada" })).typing, undefined);
  assert.equal(play(welcome(), { type: "typing", from: "visitor" }).typing, undefined);
});

test("a text that is not the server's is asked for again with the end that proved it", () => {
  const wrong = answering(delta(1, 1, 0, "Sx"), completed(3, 1, 1), handoff(4, "staff", 2));
  const rewound = reduce(wrong, { type: "local.rewind", to: 2 });
  assert.deepEqual(position(rewound), { seq: 2 });
  const retold = [started(null, 1, 1), delta(1, 1, 0, "Six"), completed(3, 1, 1), handoff(4, "staff", 2)];
  const mended = [welcome(), ...retold].reduce(reduce, rewound);
  assert.deepEqual(shown(mended), [["m1", "Six", "completed"]]);
  assert.deepEqual([mended.seq, mended.floor, mended.notes.length], [4, 2, 1]);
});

test("a thumb stays, here and in what is told after a reload", () => {
  const rated = answering(completed(3, 1, 1), { type: "local.rate", exchange: 1, value: -1 });
  assert.equal(rated.exchanges[0].feedback, -1);
  assert.equal(reduce(rated, { type: "feedback", seq: 4, exchange: 1, value: 1 }).exchanges[0].feedback, 1);
  assert.equal(play(welcome([past(1, { feedback: 1 })])).exchanges[0].feedback, 1);
});

test("what could not be sent is there again, and says that it was not", () => {
  const unsent = [
    { key: "m1", text: "Waits" },
    { key: "m2", text: "Refused", failed: true },
  ];
  const again = play({ type: "local.queued", unsent }, welcome());
  assert.deepEqual(
    again.exchanges.map(({ key, sending }) => [key, sending]),
    [
      ["m1", "pending"],
      ["m2", "failed"],
    ],
  );
});

test("what is left at the end is owed until the server has it, or says no", () => {
  const owe = (frame) => ({ type: "local.owe", frame });
  const [three, four] = [3, 4].map((value) => owe({ type: "csat", value }));
  const left = play(welcome(), three, four, owe({ type: "email", address: "grace@example.org" }));
  assert.deepEqual(left.owed, [
    { type: "csat", value: 4 },
    { type: "email", address: "grace@example.org" },
  ]);
  assert.equal(reduce(left, welcome()).owed.length, 2);
  const rated = reduce(left, { type: "csat", seq: 1, value: 4 });
  assert.deepEqual([rated.csat, rated.owed.map(({ type }) => type)], [4, ["email"]]);
  assert.equal(reduce(left, { type: "error", code: "download" }).owed.length, 2);
  assert.deepEqual(reduce(rated, { type: "error", code: "bad_email" }).owed, []);
});

test("whoever comes in is seen, and gone with their turn", () => {
  const avatar = "https://chat.example/avatars/x";
  const ada = play(welcome(), handoff(1, "staff", 1, { name: "Ada", avatar }));
  assert.deepEqual([ada.name, ada.avatar], ["Ada", avatar]);
  const ben = reduce(ada, { type: "assigned", seq: 2, name: "Ben", avatar: null });
  assert.deepEqual([ben.name, ben.avatar], ["Ben", undefined]);
  assert.equal(reduce(ada, { type: "resolved", seq: 2, by: "staff" }).avatar, undefined);
});
