/** A server without a network: numbers, keeps and replays as docs/protocol.md says. `truth` is what every reader must come to show. */
export class Desk {
  chat = "c1";
  log = [];
  exchanges = [];
  epoch = 0;
  handledBy = "agent";
  listeners = new Set();

  tell(frame) {
    for (const listener of this.listeners) listener(frame);
  }

  record(type, fields) {
    const frame = { type, chat: this.chat, seq: this.log.length + 1, ...fields };
    this.log.push(frame);
    this.tell(frame);
    return frame;
  }

  get running() {
    return this.exchanges.find((one) => one.state === "running");
  }

  enter(fields) {
    const one = {
      exchange: this.exchanges.length + 1,
      request: "",
      response: "",
      pieces: [],
      epoch: 0,
      ...fields,
    };
    this.exchanges.push({
      ...one,
      citations: [],
      grounded: null,
      feedback: null,
      reason: "",
      name: null,
      ...fields,
    });
    return this.exchanges.at(-1);
  }

  ask(client_message_id, text) {
    const known = this.exchanges.find((one) => one.client_message_id === client_message_id);
    const state = this.handledBy === "agent" ? "queued" : "waiting";
    const one = known ?? this.enter({ from: "visitor", client_message_id, request: text, state });
    const { exchange } = one;
    if (!known) this.record("message", { exchange, from: "visitor", client_message_id, text });
    this.begin();
    return { type: "ack", chat: this.chat, seq: 0, client_message_id, exchange };
  }

  begin() {
    const next = this.exchanges.find((one) => one.state === "queued");
    if (next && !this.running && this.handledBy === "agent") this.claim(next);
  }

  /** The first time, and again after the process that answered has died. */
  claim(one) {
    this.epoch += 1;
    Object.assign(one, { state: "running", epoch: this.epoch, pieces: [] });
    this.record("reply.started", { exchange: one.exchange, epoch: one.epoch });
  }

  piece(one, text) {
    this.tell({
      type: "reply.delta",
      exchange: one.exchange,
      epoch: one.epoch,
      index: one.pieces.push(text) - 1,
      text,
    });
  }

  end(one, state, fields) {
    const type = { completed: "reply.completed", stopped: "reply.cancelled", failed: "reply.failed" }[state];
    Object.assign(one, { state, response: one.pieces.join(""), ...fields });
    const { exchange, epoch } = one;
    const rest = { grounded: null, code: "timeout", retryable: true, ...fields };
    this.record(type, { exchange, epoch, sha256: digest(one.response), ...rest });
    this.begin();
  }

  hand(handledBy, name = null) {
    if (this.running && handledBy !== "agent") {
      const { running } = this;
      this.handledBy = handledBy;
      this.end(running, "stopped", { reason: "takeover" });
    }
    this.epoch += 1;
    this.handledBy = handledBy;
    for (const one of this.exchanges)
      if (one.state === "queued" && handledBy !== "agent") one.state = "waiting";
    this.record("handoff", { state: handledBy, epoch: this.epoch, by: "staff", name });
  }

  say(client_message_id, text, name) {
    const said = { from: "staff", client_message_id, name };
    const { exchange } = this.enter({ ...said, response: text, state: "completed" });
    this.record("message", { exchange, text, ...said });
  }

  /** What follows a `hello` or `resume`: a welcome, then what was missed or everything. */
  replay(position, canRecover = true) {
    const recovered = position !== undefined && canRecover;
    const welcome = {
      type: "welcome",
      token: "t",
      agent: { id: "a", name: "Desk", greeting: "Hi" },
      chat: this.chat,
      handled_by: this.handledBy,
      last_seq: this.log.length,
      recovered,
      messages: recovered
        ? []
        : this.exchanges.map((one) => (one.state === "running" ? { ...one, response: "" } : { ...one })),
    };
    const seq = recovered ? position.seq : this.log.length;
    return [welcome, ...this.missed(recovered ? position : { seq }, seq)];
  }

  *missed({ exchange, epoch, index }, seq) {
    const { running } = this;
    const goesOn = running?.exchange === exchange && running?.epoch === epoch;
    for (const frame of this.log.slice(seq)) {
      const one = this.exchanges[frame.exchange - 1];
      const isEnd = /completed|cancelled|failed/.test(frame.type);
      if (isEnd && one.epoch === frame.epoch) {
        yield { type: "reply.started", exchange: frame.exchange, epoch: frame.epoch, seq: null };
        if (one.response) yield delta(one, 0, one.response);
      }
      yield frame;
    }
    if (!running) return;
    const from = goesOn ? index + 1 : 0;
    if (!goesOn) yield { type: "reply.started", exchange: running.exchange, epoch: running.epoch, seq: null };
    for (const [at, text] of running.pieces.entries()) if (at >= from) yield delta(running, at, text);
  }

  truth() {
    return this.exchanges.map(({ exchange, request, response, pieces, state, name }) => ({
      id: exchange,
      request,
      response: state === "running" ? pieces.join("") : response,
      state,
      staff: name ?? undefined,
    }));
  }
}

/** Tells texts apart, which is all that is asked of it here. */
export const digest = (text) => `of ${text}`;

const delta = ({ exchange, epoch }, index, text) => ({ type: "reply.delta", exchange, epoch, index, text });
