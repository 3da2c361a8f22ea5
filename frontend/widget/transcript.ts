/** The whole client truth about a conversation: a pure function from what was and what came to what is. */

import type {
  Agent,
  ClientFrame,
  HandledBy,
  Handoff,
  Message,
  Offer,
  Position,
  Queue,
  ServerFrame,
  Thumb,
  Welcome,
} from "./frames";
import type { Unsent } from "./memory";
import { known, omit } from "./records";
import { append, begin, blank, type Exchange, end, follows, isAnswering, recall } from "./reply";

/** Something that happened between messages; it stands behind exchange `after`. */
export interface Note {
  seq: number;
  after: number;
  kind: "joined" | "back" | "resolved";
  name?: string;
}

export type Owed = ClientFrame & { type: "csat" | "email" };

export interface Transcript {
  agent?: Agent;
  chat?: string;
  token?: string;
  /** Nothing up to this durable frame was missed; absent before the first welcome. */
  seq?: number;
  /** Replies of a lower epoch are late: somebody has stepped in since. */
  floor: number;
  handledBy: HandledBy;
  /** Who brought the present handler in. */
  by?: Handoff["by"];
  /** The member of staff who handles the chat, and where their picture is. */
  name?: string;
  avatar?: string;
  offers: readonly Offer[];
  queue?: Queue;
  /** How the visitor rated the conversation, 1 to 5. */
  csat?: number;
  hasEmail: boolean;
  /** What was left at the end, until the server has it. */
  owed: readonly Owed[];
  /** The member of staff who is writing. */
  typing?: { name?: string };
  isAsking: boolean;
  isResolved: boolean;
  hasEarlier: boolean;
  notes: readonly Note[];
  exchanges: readonly Exchange[];
  /** A problem that belongs to no message. */
  notice?: { code: string; detail?: string };
}

export type Action =
  | ServerFrame
  | { type: "local.send"; key: string; text: string }
  | { type: "local.retry"; key: string }
  | { type: "local.rate"; exchange: number; value: Thumb; comment?: string }
  | { type: "local.queued"; unsent: readonly Unsent[] }
  | { type: "local.owe"; frame: Owed }
  | { type: "local.fresh" }
  | { type: "local.person" }
  | { type: "local.quiet" }
  | { type: "local.rewind"; to: number }
  | { type: "local.refetch" }
  | { type: "local.known"; token?: string; chat?: string }
  | { type: "local.forget" };

/** What servers offered before they said so. */
const FORMERLY: readonly Offer[] = ["person", "feedback"];
const start = {
  floor: 0,
  offers: FORMERLY,
  hasEmail: false,
  handledBy: "agent",
  isAsking: false,
  isResolved: false,
  hasEarlier: false,
} as const;
export const empty: Transcript = { ...start, owed: [], notes: [], exchanges: [] };

/** Where this page is, for the server to go on from; undefined where there is nothing to go on from. */
export function position({ chat, seq, exchanges }: Transcript): Position | undefined {
  if (chat === undefined || seq === undefined) return undefined;
  const one = exchanges.find((each) => isAnswering(each) && each.next > 0);
  return one?.id === undefined ? { seq } : { seq, exchange: one.id, epoch: one.epoch, index: one.next - 1 };
}

/** Whether nothing is missing between what is known and this frame. An acknowledgement may overtake others. */
export function fits(state: Transcript, frame: ServerFrame): boolean {
  if (frame.type === "reply.delta")
    return frame.epoch < state.floor || follows(find(state, frame.exchange), frame.epoch, frame.index);
  return frame.type === "ack" || seqOf(frame) <= (state.seq ?? 0) + 1;
}

export function reduce(state: Transcript, action: Action): Transcript {
  const seq = seqOf(action);
  const isNews = seq > (state.seq ?? 0) && action.type !== "ack";
  // A reply may be retold; whatever else was seen has nothing more to say.
  if (seq > 0 && !isNews && !/^(ack|reply)/.test(action.type)) return state;
  const next = apply(state, action);
  return isNews ? { ...next, seq } : next;
}

function apply(state: Transcript, action: Action): Transcript {
  switch (action.type) {
    case "local.known":
      return { ...state, ...known("token", action.token), ...known("chat", action.chat) };
    case "local.forget":
      return omit(state, "token");
    case "local.queued":
      return {
        ...state,
        exchanges: [
          ...state.exchanges,
          ...action.unsent.map(({ key, text, failed }) => ({
            ...blank(key, text),
            ...(failed && { sending: "failed" as const }),
          })),
        ],
      };
    case "local.owe":
      return {
        ...settled(state, action.frame.type),
        owed: [...settled(state, action.frame.type).owed, action.frame],
      };
    case "local.fresh":
      return {
        ...empty,
        ...known("agent", state.agent),
        ...known("token", state.token),
        offers: state.offers,
      };
    case "local.send":
      return { ...omit(state, "notice"), exchanges: [...state.exchanges, blank(action.key, action.text)] };
    case "local.retry":
      return change(
        state,
        (one) => one.key === action.key,
        (one) => ({ ...omit(one, "problem"), sending: "pending" }),
      );
    case "local.person":
      return { ...state, isAsking: true };
    case "local.quiet":
      return omit(state, "typing");
    case "local.rewind":
      return { ...state, seq: action.to, floor: 0 };
    case "local.refetch":
      return omit(state, "seq");
    case "welcome":
      return welcome(state, action);
    case "ack": {
      const { client_message_id, exchange, chat, token } = action;
      // Of a conversation that was left meanwhile, or forgotten.
      if (!state.exchanges.some((one) => one.key === client_message_id)) return state;
      return { ...record(state, exchange, client_message_id), chat, ...known("token", token) };
    }
    case "message":
      return message(state, action);
    case "reply.started":
      if (action.epoch < state.floor) return state;
      return withReply(state, action.exchange, (one) => begin(one, action.epoch));
    case "reply.delta":
      if (action.epoch < state.floor) return state;
      return withReply(state, action.exchange, (one) => append(one, action.epoch, action.index, action.text));
    case "reply.citations":
      return withReply(state, action.exchange, (one) =>
        action.epoch < one.epoch ? one : { ...one, citations: action.citations },
      );
    case "reply.completed":
    case "reply.cancelled":
    case "reply.failed":
      return withReply(state, action.exchange, (one) => end(one, action));
    case "handoff":
      return handoff(state, action);
    case "assigned":
      return joined({ ...state, handledBy: "staff" }, action);
    case "resolved":
      return note({ ...atRest(state), handledBy: "agent", isResolved: true }, "resolved", action.seq);
    case "local.rate":
    case "feedback":
      return withReply(state, action.exchange, (one) => ({
        ...omit(one, "comment"),
        ...known("comment", action.comment || undefined),
        feedback: action.value,
      }));
    case "csat":
      return { ...settled(state, "csat"), csat: action.value };
    case "email":
      return { ...settled(state, "email"), hasEmail: true };
    case "queue":
      return { ...state, queue: queueOf(action) };
    case "typing":
      return action.from === "staff" ? { ...state, typing: known("name", action.name) } : state;
    case "error":
      return refuse(state, action);
    default:
      return state;
  }
}

const settled = (state: Transcript, type: string): Transcript => ({
  ...state,
  owed: state.owed.filter((frame) => frame.type !== type),
});

const queueOf = ({ position, attended }: Queue): Queue => ({
  ...known("position", position),
  ...known("attended", attended),
});

const seqOf = (action: Action): number => ("seq" in action ? (action.seq ?? 0) : 0);

export const find = (state: Transcript, id: number): Exchange | undefined =>
  state.exchanges.find((one) => one.id === id);

function change(
  state: Transcript,
  matches: (one: Exchange) => boolean,
  update: (one: Exchange) => Exchange,
): Transcript {
  return { ...state, exchanges: state.exchanges.map((one) => (matches(one) ? update(one) : one)) };
}

function withReply(state: Transcript, id: number, update: (one: Exchange) => Exchange): Transcript {
  const present = find(state, id) ? state : record(state, id);
  return change(present, (one) => one.id === id, update);
}

/** The server has it: as its exchange `id`, in the order of these numbers, with what is unsent below. */
function record(state: Transcript, id: number, key = `exchange-${id}`, text = ""): Transcript {
  const isIt = (one: Exchange) => one.id === id || one.key === key;
  const mine = state.exchanges.find(isIt) ?? blank(key, text);
  const answering = state.handledBy === "agent" ? "queued" : "person";
  const one: Exchange = {
    ...(mine.id === undefined ? { ...omit(mine, "problem"), answering } : mine),
    id,
    request: mine.request || text,
    sending: "sent",
  };
  const rest = state.exchanges.filter((each) => !isIt(each));
  const at = rest.filter((each) => each.id !== undefined && each.id < id).length;
  return { ...state, exchanges: [...rest.slice(0, at), one, ...rest.slice(at)] };
}

function message(before: Transcript, frame: Message): Transcript {
  const state = { ...before, isResolved: false };
  const key = frame.client_message_id ?? undefined;
  if (frame.from === "visitor") return record(state, frame.exchange, key, frame.text);
  const said = { staff: frame.name ?? "", response: frame.text, answering: "completed" } as const;
  return change(
    omit(record(state, frame.exchange, key), "typing"),
    (one) => one.id === frame.exchange,
    (one) => ({ ...one, ...said }),
  );
}

/** What was waiting for the agent is a person's from here on. */
function handoff(state: Transcript, frame: Handoff): Transcript {
  const { state: handledBy, by, epoch } = frame;
  const next = { ...atRest(state), handledBy, by, floor: Math.max(state.floor, epoch) };
  if (handledBy === "agent") return by === "staff" ? note(next, "back", frame.seq) : next;
  const theirs = change(
    next,
    (one) => one.answering === "queued",
    (one) => ({ ...one, answering: "person" }),
  );
  return handledBy === "staff" ? joined(theirs, frame) : theirs;
}

const atRest = (state: Transcript): Transcript => ({
  ...omit(state, "name", "avatar", "by", "typing", "queue"),
  isAsking: false,
  isResolved: false,
});

function joined(
  state: Transcript,
  { seq, name, avatar }: { seq: number | null; name?: string | null; avatar?: string | null },
): Transcript {
  const who = known("name", name || undefined);
  return note({ ...omit(state, "name", "avatar"), ...who, ...known("avatar", avatar) }, "joined", seq, who);
}

function note(
  state: Transcript,
  kind: Note["kind"],
  seq: number | null,
  name: { name?: string } = {},
): Transcript {
  const after = Math.max(0, ...state.exchanges.map((one) => one.id ?? 0));
  const others = state.notes.filter((each) => each.seq !== seq);
  return { ...state, notes: [...others, { seq: seq ?? 0, after, kind, ...name }] };
}

/** Recovered: what is shown stays and goes on. Otherwise server state is the truth, and only what it has not recorded stays. */
function welcome(state: Transcript, frame: Welcome): Transcript {
  const { agent, token, offers = FORMERLY } = frame;
  const isSame = state.chat === undefined || state.chat === frame.chat;
  const about = { agent, token, offers, hasEmail: frame.has_email === true, ...extras(frame) };
  if (frame.recovered && isSame && position(state)) return { ...omit(state, "typing", "queue"), ...about };
  const told = frame.messages.map((past) => recall(past, mine(state, past)));
  const keys = new Set(told.map((one) => one.key));
  const unsent = state.exchanges.filter((one) => one.id === undefined && !keys.has(one.key));
  return {
    ...empty,
    ...known("chat", frame.chat),
    ...known("name", frame.name),
    ...known("avatar", frame.avatar),
    ...(isSame ? { owed: state.owed } : { notice: { code: "chat_lost" } }),
    ...about,
    ...known("seq", frame.last_seq),
    handledBy: frame.handled_by ?? "agent",
    isResolved: frame.resolved === true,
    hasEarlier: frame.has_earlier === true,
    exchanges: [...told, ...unsent],
  };
}

const extras = (frame: Welcome): Partial<Transcript> => ({
  ...known("csat", frame.csat),
  ...(frame.queue && { queue: queueOf(frame.queue) }),
});

const mine = (state: Transcript, past: Welcome["messages"][number]): Exchange | undefined =>
  state.exchanges.find((one) => one.id === past.exchange || one.key === past.client_message_id);

/** Nothing is wrong with the message: it stays in the queue. */
export const isPassing = (code: string): boolean => /^(unavailable|too_many|no_such_chat)$/.test(code);

/** What was left is not wanted, or not like this. */
const isNo = (code: string): boolean => /^(bad|not)_/.test(code);

/** An error that names no message of ours is said above the composer. */
function refuse(
  state: Transcript,
  frame: { code: string; detail?: string; client_message_id?: string },
): Transcript {
  const problem = { code: frame.code, ...known("detail", frame.detail) };
  const isMeant = (one: Exchange) => one.sending === "pending" && one.key === frame.client_message_id;
  if (!state.exchanges.some(isMeant))
    return { ...state, isAsking: false, notice: problem, ...(isNo(frame.code) && { owed: [] }) };
  return change(state, isMeant, (one) => ({
    ...one,
    sending: isPassing(frame.code) ? "pending" : "failed",
    problem: { ...problem, retryable: true },
  }));
}
