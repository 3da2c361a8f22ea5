/** The ways to the server, with lines that are scripted: what is tried when, and when it is given up. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { source } from "./sources.mjs";

const { Connection } = await source("widget/connection.ts");
const PLACE = { host: "https://chat.example", agent: "a" };
const WELCOME = { type: "welcome" };

/** Lines of three ways, each as its script says: "opens", "fails" or "is silent". */
function scene(scripts) {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.window = globalThis;
  globalThis.navigator ??= { onLine: true };
  const tried = [];
  const lines = [];
  const ways = scripts.map((script, way) => (_place, ears) => {
    tried.push(way);
    const line = { way, ears, sent: [], isClosed: false, send: (frame) => line.sent.push(frame.type) };
    line.close = () => {
      line.isClosed = true;
    };
    lines.push(line);
    queueMicrotask(() => {
      if (line.isClosed) return;
      const says = typeof script === "function" ? script() : script;
      if (says === "fails") ears.closed(1006);
      if (says === "opens") ears.opened();
      if (says === "opens") ears.received(WELCOME);
    });
    return line;
  });
  const changes = [];
  const heard = [];
  const hooks = {
    hello: () => ({ type: "hello" }),
    received: (frame) => heard.push(frame.type),
    changed: (link) => changes.push(link),
    unknown: () => false,
  };
  return { connection: new Connection(PLACE, hooks, ways), tried, lines, changes, heard };
}

async function pass(ms) {
  for (let step = 0; step < ms; step += 250) {
    await Promise.resolve();
    await Promise.resolve();
    mock.timers.tick(250);
  }
  await Promise.resolve();
}

test.afterEach(() => mock.timers.reset());

test("the socket is tried twice, then the stream, then plain requests", async () => {
  const { connection, tried } = scene(["fails", "fails", "opens"]);
  connection.start();
  await pass(30_000);
  assert.deepEqual(tried.slice(0, 5), [0, 0, 1, 1, 2]);
  assert.equal(connection.link, "online");
  assert.equal(connection.isWhole, false);
});

test("a line that opens and stays silent is left for the next way at once", async () => {
  const { connection, tried } = scene(["is silent", "opens", "opens"]);
  connection.start();
  await pass(15_000);
  assert.deepEqual(tried.slice(0, 2), [0, 1]);
  assert.equal(connection.link, "online");
});

test("once the socket can be had, it is taken", async () => {
  let isOpen = false;
  const { connection, tried } = scene([() => (isOpen ? "opens" : "fails"), "opens", "opens"]);
  connection.start();
  await pass(4000);
  assert.equal(connection.isWhole, false);
  isOpen = true;
  await pass(10_000);
  assert.equal(connection.isWhole, true);
  assert.equal(tried.at(-1), 0);
});

test("a line that held and broke is tried again, the same way", async () => {
  const { connection, tried, lines } = scene(["opens", "opens", "opens"]);
  connection.start();
  await pass(250);
  for (let time = 0; time < 4; time++) {
    lines.at(-1).ears.closed(1006);
    await pass(2000);
  }
  assert.ok(
    tried.every((way) => way === 0),
    String(tried),
  );
  assert.equal(connection.link, "online");
});

test("what comes before the welcome is not heard, and silence is asked about", async () => {
  const { connection, lines, heard } = scene(["opens", "opens", "opens"]);
  connection.start();
  lines[0].ears.received({ type: "message" });
  await pass(250);
  assert.deepEqual(heard, ["welcome"]);
  await pass(25_000);
  assert.equal(lines[0].sent.at(-1), "ping");
  await pass(20_500);
  assert.ok(lines[0].isClosed);
  assert.equal(lines.length, 2);
});

test("a device that wakes up asks at once whether its line still holds", async () => {
  const { connection, lines } = scene(["opens", "opens", "opens"]);
  connection.start();
  await pass(250);
  connection.again();
  assert.equal(lines[0].sent.at(-1), "ping");
  await pass(5250);
  assert.ok(lines[0].isClosed);
  await pass(1000);
  assert.equal(connection.link, "online");
});

test("who is not let in does not knock again until a person asks", async () => {
  const { connection, lines, tried } = scene(["is silent", "opens", "opens"]);
  connection.start();
  lines[0].ears.closed(4403);
  await pass(20_000);
  assert.deepEqual([connection.link, tried.length], ["refused", 1]);
  connection.again();
  assert.equal(tried.length, 2);
});
