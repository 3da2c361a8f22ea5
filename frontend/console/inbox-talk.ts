/** What was said in the open chat: a pure function from what was and what came to what is. */

import type { Citation, Handler, PastExchange, Resume, State, TalkFrame } from "./inbox-frames";

export interface Exchange {
  exchange: number;
  from: "visitor" | "staff";
  name: string | null;
  /** The client's name for the message. */
  key: string;
  request: string;
  response: string;
  state: State;
  /** Why it stopped or failed, in a word. */
  reason: string | null;
  citations: readonly Citation[];
  feedback: number | null;
  at: string;
  epoch: number;
  /** The index of the next delta of this epoch. */
  next: number;
  /** Deltas that came before their turn. */
  held: ReadonlyMap<number, string>;
  /** What its text must hash to, once it has ended. */
  sha256?: string;
}

export interface Talk {
  chat: string;
  seq: number;
  /** Deltas of a lower epoch are late: somebody else handles the chat by now. */
  fence: number;
  handledBy: Handler;
  hasEarlier: boolean;
  exchanges: readonly Exchange[];
}

export const nothing = (chat: string): Talk => ({
  chat,
  seq: 0,
  fence: 0,
  handledBy: "agent",
  hasEarlier: false,
  exchanges: [],
});

/** Where to go on after the line was cut. */
export function position(talk: Talk): Resume {
  const running = talk.exchanges.find(({ state, next }) => state === "running" && next > 0);
  if (!running) return { seq: talk.seq };
  return { seq: talk.seq, exchange: running.exchange, epoch: running.epoch, index: running.next - 1 };
}

/** `isResumed`: the frame answers a `chat.open` that named a position. */
export function reduce(before: Talk, frame: TalkFrame, isResumed = false): Talk {
  const talk = "seq" in frame && frame.seq ? { ...before, seq: Math.max(before.seq, frame.seq) } : before;
  switch (frame.type) {
    case "welcome":
      if (isResumed && frame.recovered) return talk;
      return {
        ...nothing(frame.chat),
        seq: frame.last_seq,
        handledBy: frame.handled_by,
        hasEarlier: frame.has_earlier ?? false,
        exchanges: frame.messages.map(recall),
      };
    case "message":
      return told(talk, frame);
    case "handoff":
      return { ...talk, handledBy: frame.state, fence: Math.max(talk.fence, frame.epoch) };
    case "resolved":
      return { ...talk, handledBy: "agent" };
    case "reply.started":
      return change(talk, frame.exchange, (one) => begin(one, frame.epoch));
    case "reply.delta":
      if (frame.epoch < talk.fence) return talk;
      return change(talk, frame.exchange, (one) => append(one, frame.epoch, frame.index, frame.text));
    case "reply.citations":
      return change(talk, frame.exchange, (one) => ({ ...one, citations: frame.citations }));
    case "reply.completed":
      return end(talk, frame, "completed", null);
    case "reply.cancelled":
      return end(talk, frame, "stopped", frame.reason);
    case "reply.failed":
      return end(talk, frame, "failed", frame.code);
    case "feedback":
      return change(talk, frame.exchange, (one) => ({ ...one, feedback: frame.value }));
    default:
      return talk;
  }
}

/** A delta is missing although the answer has ended: only a fresh welcome can fill it. */
export const hasGap = (one: Exchange): boolean => one.state !== "running" && one.held.size > 0;

function recall(past: PastExchange): Exchange {
  const { client_message_id: key, created_at: at, ...same } = past;
  return { ...same, key, at, epoch: 0, next: 0, held: new Map() };
}

function told(talk: Talk, frame: TalkFrame & { type: "message" }): Talk {
  if (talk.exchanges.some(({ exchange }) => exchange === frame.exchange)) return talk;
  const isStaff = frame.from === "staff";
  const one: Exchange = {
    exchange: frame.exchange,
    from: frame.from,
    name: frame.name ?? null,
    key: frame.client_message_id,
    request: isStaff ? "" : frame.text,
    response: isStaff ? frame.text : "",
    state: isStaff ? "completed" : talk.handledBy === "agent" ? "queued" : "waiting",
    reason: null,
    citations: [],
    feedback: null,
    at: frame.ts,
    epoch: 0,
    next: 0,
    held: new Map(),
  };
  const exchanges = [...talk.exchanges, one].sort((a, b) => a.exchange - b.exchange);
  return { ...talk, exchanges };
}

function change(talk: Talk, exchange: number, update: (one: Exchange) => Exchange): Talk {
  return {
    ...talk,
    exchanges: talk.exchanges.map((one) => (one.exchange === exchange ? update(one) : one)),
  };
}

/** Whatever was there of this reply is thrown away: it is told from the beginning. */
function begin(one: Exchange, epoch: number): Exchange {
  if (epoch < one.epoch) return one;
  const fresh = { response: "", next: 0, held: new Map(), citations: [], reason: null };
  return { ...one, ...fresh, epoch, state: "running" };
}

function append(before: Exchange, epoch: number, index: number, text: string): Exchange {
  if (epoch < before.epoch) return before;
  const one = epoch > before.epoch ? begin(before, epoch) : before;
  if (index < one.next || one.state !== "running") return one;
  if (index > one.next) return { ...one, held: new Map(one.held).set(index, text) };
  let { response, next } = { response: one.response + text, next: index + 1 };
  const held = new Map(one.held);
  for (let piece = held.get(next); piece !== undefined; piece = held.get(next)) {
    held.delete(next++);
    response += piece;
  }
  return { ...one, response, next, held };
}

type End = TalkFrame & { type: "reply.completed" | "reply.cancelled" | "reply.failed" };

function end(talk: Talk, frame: End, state: State, reason: string | null): Talk {
  return change(talk, frame.exchange, (one) =>
    frame.epoch < one.epoch
      ? one
      : { ...one, state, reason, ...(frame.sha256 ? { sha256: frame.sha256 } : {}) },
  );
}
