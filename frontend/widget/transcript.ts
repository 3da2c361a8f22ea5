/** The whole client truth about a conversation: a pure function from what was and what came to what is. */

import type { Agent, Citation, Id, PastExchange, ServerFrame, Welcome } from "./frames";

export type Sending = "pending" | "sent" | "failed";
export type Answering = "none" | "waiting" | "streaming" | "completed" | "failed" | "stopped";

export interface Exchange {
  /** Stable for the life of the page, so that its elements are never rebuilt. */
  key: string;
  /** The server's name for it; absent until acknowledged. */
  id?: string;
  request: string;
  sending: Sending;
  answering: Answering;
  response: string;
  epoch: number;
  /** The index of the next delta of this epoch. */
  next: number;
  /** Deltas that came before their turn. */
  held: ReadonlyMap<number, string>;
  citations: readonly Citation[];
  grounded: boolean | null;
  problem?: { code: string; detail?: string; retryable: boolean };
}

export interface Transcript {
  agent?: Agent;
  chat?: string;
  token?: string;
  exchanges: readonly Exchange[];
  /** A problem that belongs to no message. */
  notice?: { code: string; detail?: string };
}

export type Action =
  | ServerFrame
  | { type: "local.send"; key: string; text: string }
  | { type: "local.retry"; key: string }
  | { type: "local.stop"; id: string }
  | { type: "local.known"; token?: string; chat?: string }
  | { type: "local.forget" };

export const isAnswering = (exchange: Exchange): boolean =>
  exchange.answering === "waiting" || exchange.answering === "streaming";

/** A delta is missing although the answer is finished: only a fresh welcome can fill it. */
export const hasGap = (exchange: Exchange): boolean => exchange.held.size > 0 && !isAnswering(exchange);

export function reduce(state: Transcript, action: Action): Transcript {
  switch (action.type) {
    case "local.known":
      return { ...state, ...known("token", action.token), ...known("chat", action.chat) };
    case "local.forget":
      return omit(state, "token");
    case "local.send":
      return { ...omit(state, "notice"), exchanges: [...state.exchanges, blank(action.key, action.text)] };
    case "local.retry":
      return change(
        state,
        (one) => one.key === action.key,
        (one) => ({ ...omit(one, "problem"), sending: "pending" }),
      );
    case "local.stop":
      return withReply(state, action.id, (one) =>
        isAnswering(one) ? { ...one, answering: "stopped" } : one,
      );
    case "welcome":
      return welcome(state, action);
    case "ack":
      return acknowledge(state, action.client_message_id, String(action.exchange), action.chat, action.token);
    case "reply.started":
      return withReply(state, action.exchange, (one) => inEpoch(one, action.epoch));
    case "reply.delta":
      return withReply(state, action.exchange, (one) => append(one, action.epoch, action.index, action.text));
    case "reply.citations":
      return withReply(state, action.exchange, (one) => ({ ...one, citations: action.citations }));
    case "reply.completed":
      return withReply(state, action.exchange, (one) =>
        action.epoch < one.epoch ? one : { ...one, answering: "completed", grounded: action.grounded },
      );
    case "reply.failed": {
      const problem = { code: action.code, retryable: action.retryable };
      return withReply(state, action.exchange, (one) => ({ ...one, answering: "failed", problem }));
    }
    case "reply.cancelled":
      return withReply(state, action.exchange, (one) => ({ ...one, answering: "stopped" }));
    case "error":
      return refuse(state, action);
    default:
      return state;
  }
}

function blank(key: string, request: string): Exchange {
  const progress = { sending: "pending", answering: "none", response: "", epoch: -1, next: 0 } as const;
  return { key, request, ...progress, held: new Map(), citations: [], grounded: null };
}

function change(
  state: Transcript,
  matches: (one: Exchange) => boolean,
  update: (one: Exchange) => Exchange,
): Transcript {
  return { ...state, exchanges: state.exchanges.map((one) => (matches(one) ? update(one) : one)) };
}

/** An exchange begun elsewhere, in another tab say, appears with its first event. */
function withReply(state: Transcript, exchange: Id, update: (one: Exchange) => Exchange): Transcript {
  const id = String(exchange);
  if (state.exchanges.some((one) => one.id === id)) return change(state, (one) => one.id === id, update);
  const fresh: Exchange = { ...blank(`exchange-${id}`, ""), id, sending: "sent", answering: "waiting" };
  return { ...state, exchanges: [...state.exchanges, update(fresh)] };
}

/** A newer epoch discards what an older one had written; an older one has nothing more to say. */
function inEpoch(one: Exchange, epoch: number): Exchange {
  if (epoch <= one.epoch) return one;
  const fresh = { response: "", next: 0, held: new Map(), citations: [], grounded: null };
  return { ...omit(one, "problem"), ...fresh, epoch, answering: "waiting" };
}

function append(before: Exchange, epoch: number, index: number, text: string): Exchange {
  if (epoch < before.epoch) return before;
  const one = inEpoch(before, epoch);
  if (index < one.next || !isAnswering(one)) return one;
  if (index > one.next) return { ...one, held: new Map(one.held).set(index, text) };
  let { response, next } = { response: one.response + text, next: index + 1 };
  const held = new Map(one.held);
  for (let piece = held.get(next); piece !== undefined; piece = held.get(next)) {
    held.delete(next++);
    response += piece;
  }
  return { ...one, response, next, held, answering: "streaming" };
}

/** History may have told of this exchange before its acknowledgement came: then the two become one. */
function acknowledge(state: Transcript, key: string, id: string, chat: string, token?: string): Transcript {
  const mine = state.exchanges.find((one) => one.key === key);
  const told = state.exchanges.find((one) => one.id === id && one !== mine);
  const next = { ...state, chat, ...known("token", token) };
  if (!mine) return next;
  const answering = told || mine.answering !== "none" ? {} : { answering: "waiting" as const };
  const merged: Exchange = {
    ...omit(mine, "problem"),
    ...answering,
    ...told,
    key,
    id,
    request: mine.request,
    sending: "sent",
  };
  return {
    ...next,
    exchanges: state.exchanges.filter((one) => one !== told).map((one) => (one === mine ? merged : one)),
  };
}

/** Server state is the truth; what was written here and not yet acknowledged stays below it. */
function welcome(state: Transcript, frame: Welcome): Transcript {
  const isSame = state.chat === undefined || state.chat === frame.chat;
  const told = frame.messages.map((past) => recall(state, past));
  const ids = new Set(told.map((one) => one.id));
  const older = isSame ? state.exchanges.filter((one) => one.id && !ids.has(one.id)) : [];
  const keys = new Set(told.map((one) => one.key));
  const unsent = state.exchanges.filter((one) => !one.id && !keys.has(one.key));
  return {
    ...omit(state, "chat", "notice"),
    ...known("chat", frame.chat ?? undefined),
    ...(isSame ? {} : { notice: { code: "chat_lost" } }),
    agent: frame.agent,
    token: frame.token,
    exchanges: [...older, ...told, ...unsent],
  };
}

function recall(state: Transcript, past: PastExchange): Exchange {
  const id = String(past.exchange);
  const mine = state.exchanges.find((one) => one.id === id || one.key === past.client_message_id);
  const one = mine ?? blank(past.client_message_id ?? `exchange-${id}`, past.request);
  const answering = answeringOf(past);
  const settled = {
    ...omit(one, "problem"),
    id,
    sending: "sent",
    answering,
    grounded: past.grounded,
  } as const;
  if (answering === "waiting") return { ...settled, answering: one.response ? "streaming" : "waiting" };
  const failure = answering === "failed" ? { problem: { code: "failed", retryable: true } } : {};
  return { ...settled, ...failure, response: past.response, citations: past.citations, held: new Map() };
}

function answeringOf({ state }: PastExchange): Answering {
  if (state === "completed" || state === "failed") return state;
  return state === "stopped" || state === "cancelled" ? "stopped" : "waiting";
}

/** An error that names no message of ours is said above the composer. */
function refuse(
  state: Transcript,
  frame: { code: string; detail?: string; client_message_id?: string },
): Transcript {
  const problem = { code: frame.code, ...known("detail", frame.detail) };
  const isMeant = (one: Exchange) => one.sending === "pending" && one.key === frame.client_message_id;
  if (!state.exchanges.some(isMeant)) return { ...state, notice: problem };
  return change(state, isMeant, (one) => ({
    ...one,
    sending: "failed",
    problem: { ...problem, retryable: true },
  }));
}

function known<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}

function omit<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  const rest = { ...value };
  for (const key of keys) delete rest[key];
  return rest;
}
