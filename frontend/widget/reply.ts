/** One exchange: what was said, and how far its answer has come. Pure: each step makes the next from the last. */

import type { Citation, PastExchange, ReplyEnd } from "./frames";
import { known, omit } from "./records";

export type Sending = "pending" | "sent" | "failed";
/** `queued` waits for the replies before it, `person` for somebody of the staff. */
export type Answering =
  | "none"
  | "queued"
  | "waiting"
  | "streaming"
  | "completed"
  | "failed"
  | "stopped"
  | "person";

export interface Exchange {
  /** The client's name for it, so that its elements are never rebuilt. */
  key: string;
  /** The server's number for it; absent until recorded. */
  id?: number;
  request: string;
  sending: Sending;
  answering: Answering;
  response: string;
  /** Who of the staff said this; the agent otherwise. */
  staff?: string;
  epoch: number;
  /** The index of the next delta of this epoch. */
  next: number;
  citations: readonly Citation[];
  grounded: boolean | null;
  /** Why a reply was stopped. */
  reason?: string;
  feedback?: number;
  comment?: string;
  problem?: { code: string; detail?: string; retryable: boolean };
}

export const isAnswering = ({ answering }: Exchange): boolean =>
  answering === "waiting" || answering === "streaming";

/** An answer of the agent is running or will. */
export const isExpected = (one: Exchange): boolean => isAnswering(one) || one.answering === "queued";

export function blank(key: string, request = ""): Exchange {
  const progress = { sending: "pending", answering: "none", response: "", epoch: -1, next: 0 } as const;
  return { key, request, ...progress, citations: [], grounded: null };
}

/** Whatever there is of this reply is thrown away: its deltas follow from the first. */
export function begin(one: Exchange, epoch: number): Exchange {
  if (epoch < one.epoch) return one;
  const fresh = { response: "", next: 0, citations: [], grounded: null, answering: "waiting" } as const;
  return { ...omit(one, "problem", "reason"), ...fresh, epoch };
}

/** Whether a delta can be written now, or has nothing to say; otherwise something before it is missing. */
export const follows = (one: Exchange | undefined, epoch: number, index: number): boolean =>
  one !== undefined &&
  (epoch < one.epoch || (epoch === one.epoch && (index <= one.next || !isAnswering(one))));

export function append(one: Exchange, epoch: number, index: number, text: string): Exchange {
  if (epoch !== one.epoch || index !== one.next || !isAnswering(one)) return one;
  return { ...one, response: one.response + text, next: index + 1, answering: "streaming" };
}

export function end(one: Exchange, frame: ReplyEnd): Exchange {
  if (frame.epoch < one.epoch) return one;
  const ended = { ...one, epoch: frame.epoch };
  if (frame.type === "reply.completed") return { ...ended, answering: "completed", grounded: frame.grounded };
  if (frame.type === "reply.cancelled") return { ...ended, answering: "stopped", reason: frame.reason };
  return { ...ended, answering: "failed", problem: { code: frame.code, retryable: frame.retryable } };
}

/** An exchange as a welcome tells it; `mine` is what this page had of it. A running reply is told anew behind the welcome. */
export function recall(past: PastExchange, mine?: Exchange): Exchange {
  const one: Exchange = {
    ...blank(mine?.key ?? past.client_message_id ?? `exchange-${past.exchange}`, past.request),
    ...(past.from === "staff" && { staff: past.name ?? "" }),
    ...known("reason", past.reason || undefined),
    ...known("feedback", past.feedback),
    ...known("comment", past.feedback_comment || undefined),
    id: past.exchange,
    sending: "sent",
    answering: answeringOf(past.state),
    grounded: past.grounded,
  };
  if (isExpected(one)) return one;
  const failure = { problem: { code: past.reason || "failed", retryable: true } };
  return {
    ...one,
    ...(one.answering === "failed" && failure),
    response: past.response,
    citations: past.citations,
  };
}

function answeringOf(state: string): Answering {
  if (state === "completed" || state === "failed" || state === "queued") return state;
  if (state === "stopped" || state === "cancelled") return "stopped";
  return state === "waiting" ? "person" : "waiting";
}
