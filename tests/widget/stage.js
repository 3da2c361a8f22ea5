/* Plays the server to the real widget, in its page: whatever a server could be made to say, it says; and watches what comes of it. */
window.hits = [];
window.hit = () => window.hits.push(new Error("executed").stack);
for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = window.hit;

class Stage {
  static OPEN = 1;
  readyState = 0;
  constructor() {
    window.stage = this;
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }
  send(text) {
    if (JSON.parse(text).type === "hello") this.say(welcome({}));
  }
  close() {}
  say(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}
window.WebSocket = Stage;

const CHAT = "0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11";
const OFFERS = ["person", "feedback", "csat", "email"];
let seq = 0;
let exchange = 0;
const durable = (frame) => ({ v: 1, chat: CHAT, ...frame, seq: ++seq });
function welcome({ agent = {}, ...fields }) {
  const face = { id: "a", name: "Fern", greeting: "Hello.", ...agent };
  const nothing = { chat: CHAT, last_seq: seq, recovered: false, messages: [], handled_by: "agent", offers: OFFERS };
  return { v: 1, type: "welcome", token: "t", agent: face, ...nothing, ...fields };
}
/** Longer than the widget takes until it draws again. */
const drawn = () => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 45));

/** One answer, cut in two at `cut`, with whatever else is said of it. */
function answer(text, cut, said) {
  const id = ++exchange;
  const name = { exchange: id, epoch: 1 };
  const source = { number: 1, title: said, url: said, quote: said, page: null, at: null };
  const delta = (index, part) => ({ type: "reply.delta", ...name, index, text: part });
  stage.say(durable({ type: "message", exchange: id, from: "visitor", text: said, client_message_id: `m${id}` }));
  stage.say(durable({ type: "reply.started", ...name }));
  stage.say(delta(0, text.slice(0, cut)));
  return () => {
    stage.say(delta(1, text.slice(cut)));
    stage.say({ type: "reply.citations", ...name, citations: [source] });
    stage.say(durable({ type: "reply.completed", ...name, grounded: true }));
  };
}

/** Everything else that strangers write: staff, names, errors, the greeting, questions, titles. */
function others(text) {
  const staff = { from: "staff", name: text, avatar: text };
  stage.say(welcome({ agent: { name: text, greeting: text, suggestions: [text], avatar: text } }));
  stage.say(durable({ type: "handoff", state: "staff", epoch: 0, by: "staff", name: text, avatar: text }));
  stage.say(durable({ type: "message", exchange: ++exchange, text, ...staff }));
  stage.say({ type: "typing", ...staff });
  stage.say({ type: "error", code: text, detail: text });
  stage.say(durable({ type: "handoff", state: "agent", epoch: 0, by: "staff" }));
  const id = ++exchange;
  stage.say(durable({ type: "message", exchange: id, from: "visitor", text, client_message_id: text }));
  stage.say(durable({ type: "reply.failed", exchange: id, epoch: 1, code: text, retryable: true }));
}

const ELEMENTS = new Set(
  "a blockquote br button code details div em form h2 h3 hr i input label li ol p path pre s section span strong style summary svg table tbody td textarea th thead tr ul".split(" "),
);
const ATTRIBUTES = /^(aria-[a-z]+|autocomplete|class|d|data-[a-z-]+|dir|enterkeyhint|hidden|href|id|for|lang|maxlength|novalidate|open|part|placeholder|rel|required|role|rows|start|style|tabindex|target|title|type|viewBox)$/;

/** What stands in the widget that has no place there. */
function strangers() {
  const found = [];
  for (const element of document.querySelector("chat-with-us").shadowRoot.querySelectorAll("*")) {
    const name = element.localName;
    if (!ELEMENTS.has(name)) found.push(name);
    for (const { name: attribute, value } of element.attributes) {
      if (!ATTRIBUTES.test(attribute)) found.push(`${name} ${attribute}`);
      if (attribute === "href" && !/^(https?|mailto|tel):/.test(value)) found.push(value);
      if (attribute === "style" && !/^(height|--visible-)/.test(value)) found.push(`${name} style ${value}`);
    }
    if (name === "a" && element.hasAttribute("href") && !/noopener noreferrer/.test(element.rel)) found.push("rel");
  }
  return found;
}

/** Tells all of it, each text cut at every `step`-th place, `width` answers at once; resolves to how many renderings there were. */
async function storm(texts, step, width) {
  ChatWithUs("open");
  while (!window.stage?.onmessage) await drawn();
  await drawn();
  let renderings = 0;
  const wrong = new Set();
  const jobs = texts.flatMap((text) => {
    const cuts = [];
    for (let cut = 0; cut <= text.length; cut += step) cuts.push([text, cut]);
    return cuts;
  });
  for (let at = 0; at < jobs.length; at += width) {
    stage.say(welcome({}));
    const rest = jobs.slice(at, at + width).map(([text, cut]) => answer(text, cut, text));
    await drawn();
    for (const each of rest) each();
    await drawn();
    renderings += rest.length;
    for (const one of strangers()) wrong.add(one);
  }
  for (const text of texts) {
    others(text);
    await drawn();
    renderings += 1;
    for (const one of strangers()) wrong.add(one);
  }
  return { renderings, wrong: [...wrong], hits: window.hits };
}

/** The answer's elements, cut at `cut`, as text: the same wherever it is cut. */
async function rendered(text, cut) {
  answer(text, cut, "q")();
  await drawn();
  const said = document.querySelector("chat-with-us").shadowRoot.querySelectorAll("[data-role=agent] [data-testid=text]");
  return said[said.length - 1].innerHTML;
}
Object.assign(window, { storm, rendered });
