/** The vocabulary of the inbox's socket, as far as the page speaks it; unknown fields and types are ignored. */

import type { Verdict } from "./snapshot";

export type Handler = "agent" | "waiting" | "staff";
export type Tab = Handler | "all";
export const TABS: readonly Tab[] = ["waiting", "staff", "agent", "all"];

export interface Row {
  chat: string;
  agent: string;
  visitor: string;
  person?: { name: string; email: string } | null;
  handled_by: Handler;
  name: string | null;
  /** Whose it is: the number of a user. */
  assignee: number | null;
  waiting_since: string | null;
  resolved_at: string | null;
  last_at: string;
  preview: string;
  exchanges: number;
  is_answering: boolean;
}

/** What its visitor left beside messages, and what their page says of itself and of them; nobody's word but theirs. */
export interface Left {
  csat?: number | null;
  csat_comment?: string;
  email?: string;
  context?: Record<string, string | number | boolean>;
  attributes?: Record<string, string | number | boolean>;
}

export type OpenChat = Row & Left & { turns: Turn[]; verdicts: Judged[] };

/** Whether an answer stands in what the agent was given to read, and which of its sentences do not. */
export interface Judged {
  exchange: number;
  verdict: Verdict;
  unsupported: string[];
}

/** A moment at which a chat changed hands. */
export interface Turn {
  seq: number;
  type: "handoff" | "assigned" | "resolved";
  at: string;
  state: Handler | null;
  by: string | null;
  name: string | null;
}

export interface Note {
  id: string;
  name: string;
  text: string;
  at: string;
}

export interface Citation {
  number: number;
  title: string;
  url: string | null;
  quote: string;
}

export type State = "queued" | "running" | "waiting" | "completed" | "stopped" | "failed";

export interface PastExchange {
  exchange: number;
  from: "visitor" | "staff";
  name: string | null;
  client_message_id: string;
  request: string;
  response: string;
  citations: Citation[];
  state: State;
  reason: string | null;
  feedback: number | null;
  created_at: string;
}

interface OfReply {
  exchange: number;
  epoch: number;
  seq?: number | null;
}

interface End extends OfReply {
  sha256?: string | null;
}

/** What a chat is told by: the visitor's page reads the same. */
export type TalkFrame =
  | {
      type: "welcome";
      chat: string;
      handled_by: Handler;
      last_seq: number;
      recovered: boolean;
      messages: PastExchange[];
      has_earlier?: boolean;
    }
  | {
      type: "message";
      chat: string;
      seq: number;
      ts: string;
      exchange: number;
      from: "visitor" | "staff";
      text: string;
      client_message_id: string;
      name?: string;
    }
  | ({ type: "reply.started" } & OfReply)
  | ({ type: "reply.delta"; index: number; text: string } & OfReply)
  | ({ type: "reply.citations"; citations: Citation[] } & OfReply)
  | ({ type: "reply.completed" } & End)
  | ({ type: "reply.cancelled"; reason: string } & End)
  | ({ type: "reply.failed"; code: string } & End)
  | { type: "handoff"; seq: number; epoch: number; state: Handler }
  | { type: "assigned" | "resolved"; seq: number }
  | { type: "feedback"; seq: number; exchange: number; value: number };

export type ServerFrame =
  | TalkFrame
  | { type: "inbox"; filter: Tab; limit: number; chats: Row[]; counts: Record<Handler, number> }
  | { type: "chat.state"; chat: string; state: OpenChat }
  | { type: "notes"; chat: string; notes: Note[] }
  | { type: "noted"; chat: string; client_message_id: string }
  | { type: "ack"; chat: string; client_message_id: string; exchange: number }
  | { type: "typing"; from: "visitor" | "staff"; name?: string }
  | { type: "error"; code: string; detail?: string; chat?: string; client_message_id?: string };

export interface Resume {
  seq: number;
  exchange?: number;
  epoch?: number;
  index?: number;
}

export type ClientFrame =
  | { type: "inbox.filter"; filter: Tab; limit: number }
  | { type: "chat.open"; chat: string; resume?: Resume }
  | { type: "chat.close" }
  | { type: "take_over" | "hand_back" | "resolve" | "typing"; chat: string }
  | { type: "message.send" | "note"; chat: string; client_message_id: string; text: string };
