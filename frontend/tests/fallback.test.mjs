import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { source } from "./sources.mjs";

globalThis.window = globalThis;
const { openPost, openStream } = await source("widget/fallback/main.ts");

const AGENT = { id: "a1", name: "Fern", greeting: "" };
const FACE = { token: "t1", agent: AGENT, offers: ["frames", "person", "csat"], session_id: null };
const PAGE = {
  handled_by: "agent",
  name: null,
  resolved: false,
  queue: null,
  csat: null,
  has_email: false,
  next_cursor: null,
};
const STREAM = { "Content-Type": "text/event-stream" };
const json = (answer, body, status = 200, headers = {}) =>
  answer.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
const sse = (...frames) => frames.map((frame) => `id: 1\ndata: ${JSON.stringify(frame)}\n\n`).join("");

/** `routes` says what is answered to `METHOD /path`; `asked` keeps what was. */
let routes = {};
let asked = [];
const server = createServer(async (request, answer) => {
  let body = "";
  for await (const piece of request) body += piece;
  const name = `${request.method} ${request.url.replace("/api/v1", "").replace(/\?.*/, "")}`;
  asked.push({ name, headers: request.headers, body: body ? JSON.parse(body) : undefined });
  if (routes[name]) routes[name](answer, request);
  else json(answer, { code: "not_found" }, 404);
});
before(() => once(server.listen(0, "127.0.0.1"), "listening"));
after(() => server.closeAllConnections() ?? server.close());

/** A line, and what is heard of it; `heard(n)` waits for that many. */
async function opened(open, answers) {
  [routes, asked] = [{ "POST /visitors": (answer) => json(answer, FACE), ...answers }, []];
  const [frames, waiting] = [[], []];
  const note = (frame) => {
    frames.push(frame);
    for (const look of waiting) look();
  };
  const heard = (many) =>
    new Promise((done) => {
      const look = () => frames.length >= many && done(frames);
      waiting.push(look);
      look();
    });
  const host = `http://127.0.0.1:${server.address().port}`;
  let line;
  await new Promise((ready) => {
    line = open(
      { host, agent: "a1" },
      { opened: ready, received: note, closed: (code) => note({ type: "closed", code }) },
    );
  });
  return { line, heard };
}

for (const open of [openStream, openPost])
  test(`a stranger is introduced, and told what can be done before there is a chat (${open.name})`, async () => {
    const { line, heard } = await opened(open, {});
    line.send({ type: "hello" });
    const [welcome] = await heard(1);
    assert.deepEqual(
      [welcome.type, welcome.token, welcome.agent, welcome.chat],
      ["welcome", "t1", AGENT, null],
    );
    assert.deepEqual(welcome.offers, ["frames", "csat"]);
    line.close();
  });

test("a stream brings the same frames, wherever the network cuts it", async () => {
  const told = [
    { type: "welcome", chat: "c1", messages: [], recovered: true, last_seq: 0 },
    { type: "reply.delta", exchange: 1, epoch: 1, index: 0, text: "日本語 👩‍👩‍👧" },
    { type: "pong" },
    { type: "reply.completed", exchange: 1, epoch: 1, seq: 3, grounded: true },
  ];
  const bytes = Buffer.from(`${sse(told[0], told[1])}: ping\n\n${sse(told[3])}`);
  const { line, heard } = await opened(openStream, {
    "POST /chat": (answer) => {
      answer
        .writeHead(200, STREAM)
        .write(sse({ type: "ack", seq: 1, exchange: 1, chat: "c1", client_message_id: "other" }));
    },
    "GET /chats/c1/events": async (answer) => {
      answer.writeHead(200, STREAM);
      for (const byte of bytes) {
        answer.write(Buffer.of(byte));
        if (byte % 7 === 0) await new Promise(setImmediate);
      }
    },
  });
  line.send({ type: "message.send", client_message_id: "m1", text: "Hello" });
  const [ack, welcome, ...rest] = await heard(5);
  assert.deepEqual([ack.type, ack.client_message_id, ack.chat], ["ack", "m1", "c1"]);
  assert.deepEqual([welcome.type, welcome.recovered], ["welcome", true]);
  assert.deepEqual(rest, told.slice(1));
  assert.equal(asked.at(-1).headers["last-event-id"], "0.0.0.-1");
  line.close();
});

test("who comes back says where they are", async () => {
  const { line, heard } = await opened(openStream, {
    "GET /chats/c1/events": (answer) => answer.writeHead(200, STREAM).end(),
  });
  line.send({ type: "hello", token: "t1", chat: "c1", resume: { seq: 7, exchange: 2, epoch: 3, index: 9 } });
  assert.deepEqual(await heard(1), [{ type: "closed", code: 0 }]);
  assert.deepEqual(
    asked.map(({ name }) => name),
    ["GET /chats/c1/events"],
  );
  assert.deepEqual(
    [asked[0].headers["last-event-id"], asked[0].headers.authorization],
    ["7.2.3.9", "Bearer t1"],
  );
});

test("plain requests bring the answer whole, page by page, and tell of a change once", async () => {
  const message = (exchange) => ({
    exchange,
    from: "visitor",
    request: "Hello",
    response: "Hi",
    state: "completed",
    citations: [],
  });
  const { line, heard } = await opened(openPost, {
    "POST /chat": (answer) => json(answer, { session_id: "c1" }),
    "GET /chats/c1": (answer, { url }) =>
      json(answer, {
        ...PAGE,
        ...(url.includes("cursor")
          ? { messages: [message(2)] }
          : { messages: [message(1)], next_cursor: "1" }),
      }),
    "POST /chats/c1/frames": (answer) => json(answer, {}),
  });
  line.send({ type: "hello" });
  await heard(1);
  line.send({ type: "message.send", client_message_id: "m1", text: "Hello" });
  const [, welcome] = await heard(2);
  assert.deepEqual([welcome.chat, welcome.messages.map(({ exchange }) => exchange)], ["c1", [1, 2]]);
  line.send({ type: "csat", value: 4 });
  assert.deepEqual((await heard(3))[2], { type: "pong" });
  assert.deepEqual(asked.find(({ name }) => name === "POST /chats/c1/frames").body, {
    type: "csat",
    value: 4,
  });
  line.close();
});

const HELLO = { type: "hello", token: "t1", chat: "c1" };
const SEND = { type: "message.send", client_message_id: "m1", text: "Hello" };
const ERROR = { type: "error", client_message_id: "m1", code: "x", detail: "Why." };
for (const [open, path] of [
  [openStream, "GET /chats/c1/events"],
  [openPost, "GET /chats/c1"],
])
  for (const [status, heardOf] of [
    [401, { type: "closed", code: 4401 }],
    [403, { type: "closed", code: 4403 }],
    [429, { type: "closed", code: 4429 }],
    [500, { type: "closed", code: 0 }],
  ])
    test(`a ${status} to who comes back ends the line as the socket's would (${open.name})`, async () => {
      const { line, heard } = await opened(open, { [path]: (answer) => json(answer, { code: "x" }, status) });
      line.send(HELLO);
      assert.deepEqual(await heard(1), [heardOf]);
      line.close();
    });

test("a no to a message names it, and when there is room again", async () => {
  for (const open of [openStream, openPost]) {
    const { line, heard } = await opened(open, {
      "POST /chat": (answer) => json(answer, { code: "x", detail: "Why." }, 429, { "Retry-After": "7" }),
    });
    line.send(SEND);
    assert.deepEqual(await heard(1), [{ ...ERROR, retry_after: 7 }]);
    line.close();
  }
});

test("a chat that is gone is told as none, and a closed line is not heard of", async () => {
  const { line, heard } = await opened(openPost, {});
  line.send(HELLO);
  const [welcome] = await heard(1);
  assert.deepEqual([welcome.type, welcome.chat, welcome.last_seq], ["welcome", null, 0]);
  line.close();
  line.send(SEND);
  await new Promise((done) => setTimeout(done, 50));
  assert.equal((await heard(1)).length, 1);
});
