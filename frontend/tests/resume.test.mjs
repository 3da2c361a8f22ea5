/** Random stories with lost, late and repeated frames: whatever happens on the way, every reader comes to show what the server has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk, digest } from "./desk.mjs";
import { source } from "./sources.mjs";

const { empty, fits, position, reduce } = await source("widget/transcript.ts");

const STORIES = 400;
const STEPS = 120;
const STATES = { waiting: "running", streaming: "running", person: "waiting" };

/** Mulberry32: the same story for the same number. */
function dice(seed) {
  let a = seed;
  return (sides) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * sides);
  };
}

/** One tab: what `conversation.ts` and `socket.ts` do, without timers and sockets. */
class Tab {
  state = empty;
  inbox = [];
  late = [];
  unsent = new Map();

  constructor(desk) {
    this.desk = desk;
    this.hear = (frame) => this.inbox.push(frame);
    this.connect();
  }

  connect(canRecover = true) {
    this.desk.listeners.add(this.hear);
    this.inbox = this.desk.replay(position(this.state), canRecover);
    for (const [key, text] of this.unsent) this.inbox.push(this.desk.ask(key, text));
  }

  cut() {
    this.desk.listeners.delete(this.hear);
    this.inbox = [];
  }

  send(key, text) {
    this.state = reduce(this.state, { type: "local.send", key, text });
    this.unsent.set(key, text);
    if (this.desk.listeners.has(this.hear)) this.inbox.push(this.desk.ask(key, text));
  }

  read(many) {
    for (const frame of this.inbox.splice(0, many)) {
      if (!fits(this.state, frame)) {
        this.inbox = this.desk.replay(position(this.state));
        return;
      }
      this.state = reduce(this.state, frame);
      if (frame.client_message_id) this.unsent.delete(frame.client_message_id);
      this.late.push(frame);
      if (this.isWrong(frame)) {
        this.state = reduce(this.state, { type: "local.rewind", to: frame.seq - 1 });
        this.inbox = this.desk.replay(position(this.state));
        return;
      }
    }
  }

  isWrong({ type, exchange, epoch, sha256 }) {
    const one = this.state.exchanges.find(({ id }) => id === exchange);
    return /completed|cancelled|failed/.test(type) && one.epoch === epoch && digest(one.response) !== sha256;
  }

  shown() {
    return this.state.exchanges.map(({ id, request, response, answering, staff }) => ({
      id,
      request,
      response,
      state: STATES[answering] ?? answering,
      staff,
    }));
  }
}

/** Everything that may happen, with nothing said about its order. */
const HAPPENINGS = [
  ({ desk, name }) => desk.ask(name("other"), `asked elsewhere ${name("")}`),
  ({ tab, name }) => tab.send(name("mine"), `asked here ${name("")}`),
  ({ desk, roll }) => desk.running && desk.piece(desk.running, `w${roll(1000)} `),
  ({ desk, roll }) => desk.running && desk.piece(desk.running, `🙂${roll(1000)} `),
  ({ desk, roll }) => desk.running && desk.piece(desk.running, `é${roll(1000)} `),
  ({ desk }) => desk.running && desk.end(desk.running, "completed"),
  ({ desk }) => desk.running && desk.end(desk.running, "stopped", { reason: "stopped" }),
  ({ desk }) => desk.running && desk.end(desk.running, "failed"),
  ({ desk }) => desk.running && desk.claim(desk.running),
  ({ desk, roll }) => roll(3) || desk.hand("staff", "Ada"),
  ({ desk }) => desk.handledBy === "staff" && desk.hand("agent"),
  ({ desk, name }) => desk.handledBy === "staff" && desk.say(name("staff"), `said ${name("")}`, "Ada"),
  ({ tab, roll }) => tab.read(roll(9)),
  ({ tab, roll }) => tab.read(roll(9)),
  ({ tab }) => tab.read(99),
  ({ tab }) => tab.cut(),
  ({ tab, roll }) => tab.desk.listeners.has(tab.hear) || tab.connect(roll(4) > 0),
  ({ tab, roll }) => tab.inbox.splice(roll(tab.inbox.length + 1), roll(2)),
  ({ tab, roll }) => tab.late.length && tab.inbox.unshift(durableOrDelta(tab.late, roll)),
];

/** A frame that came before comes again, as a late or doubled one would; a welcome is asked for and an ack names only us. */
function durableOrDelta(late, roll) {
  const again = late.filter(({ type }) => type !== "welcome" && type !== "ack" && type !== "reply.started");
  return again[roll(again.length)] ?? { type: "ping" };
}

function tell(seed) {
  const roll = dice(seed);
  const desk = new Desk();
  const tabs = [new Tab(desk), new Tab(desk)];
  let names = 0;
  const name = (prefix) => `${prefix}${++names}`;
  for (let step = 0; step < STEPS; step++) {
    const tab = tabs[roll(tabs.length)];
    HAPPENINGS[roll(HAPPENINGS.length)]({ desk, tab, roll, name });
  }
  for (const tab of tabs) tab.cut();
  for (const tab of tabs) tab.connect();
  for (const tab of tabs) while (tab.inbox.length) tab.read(99);
  return { desk, tabs };
}

test(`${STORIES} stories with cut lines, lost, late and repeated frames end with the server's text in every tab`, () => {
  for (let seed = 0; seed < STORIES; seed++) {
    const { desk, tabs } = tell(seed);
    for (const { state, shown } of tabs.map((tab) => ({ state: tab.state, shown: tab.shown() }))) {
      assert.deepEqual(shown, desk.truth(), `story ${seed}`);
      assert.equal(state.handledBy, desk.handledBy, `story ${seed}`);
      assert.equal(state.seq, desk.log.length, `story ${seed}`);
    }
  }
});
