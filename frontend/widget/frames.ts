/** The socket's vocabulary, as far as the widget speaks it; unknown fields and types are ignored. */

export interface Citation {
  number: number;
  title: string;
  url: string | null;
  quote: string;
  page?: number | null;
}

export type HandledBy = "agent" | "waiting" | "staff";
export type Thumb = 1 | -1;

export interface PastExchange {
  exchange: number;
  from: "visitor" | "staff";
  client_message_id?: string | null;
  request: string;
  response: string;
  citations: Citation[];
  state: string;
  reason?: string | null;
  /** Who of the staff wrote the response. */
  name?: string | null;
  feedback?: number | null;
  grounded: boolean | null;
}

export interface Agent {
  id: string;
  name: string;
  greeting: string;
}

export interface Welcome {
  type: "welcome";
  token: string;
  agent: Agent;
  chat: string | null;
  handled_by?: HandledBy;
  name?: string | null;
  last_seq: number;
  /** Where a position was given: whether exactly what was missed follows. */
  recovered: boolean;
  messages: PastExchange[];
  has_earlier?: boolean;
}

/** Counts up in the chat without gaps; null where a frame retells what was told before. */
interface Durable {
  seq: number | null;
}

interface OfReply {
  exchange: number;
  epoch: number;
}

interface End extends Durable, OfReply {
  /** Of the whole text that is kept, in UTF-8. */
  sha256?: string | null;
}

export interface Message extends Durable {
  type: "message";
  exchange: number;
  from: "visitor" | "staff";
  text: string;
  client_message_id?: string | null;
  name?: string | null;
}

export interface Handoff extends Durable {
  type: "handoff";
  state: HandledBy;
  epoch: number;
  by: "visitor" | "agent" | "staff";
  name?: string | null;
}

export type ReplyEnd =
  | (End & { type: "reply.completed"; grounded: boolean | null })
  | (End & { type: "reply.cancelled"; reason: string })
  | (End & { type: "reply.failed"; code: string; retryable: boolean });

export type ServerFrame =
  | Welcome
  | { type: "ack"; seq: number; client_message_id: string; exchange: number; chat: string; token?: string }
  | Message
  | (OfReply & Durable & { type: "reply.started" })
  | (OfReply & { type: "reply.delta"; index: number; text: string })
  | (OfReply & { type: "reply.citations"; citations: Citation[] })
  | ReplyEnd
  | Handoff
  | (Durable & { type: "assigned"; name?: string | null })
  | (Durable & { type: "resolved"; by: string })
  | (Durable & { type: "feedback"; exchange: number; value: number })
  | { type: "typing"; from: "visitor" | "staff"; name?: string | null }
  | { type: "error"; code: string; detail?: string; client_message_id?: string; retry_after?: number }
  | { type: "ping" }
  | { type: "pong" };

/** Where a reader is: the last durable frame, and the last delta of a reply that still runs. */
export interface Position {
  seq: number;
  exchange?: number;
  epoch?: number;
  index?: number;
}

export type ClientFrame =
  | { type: "hello"; token?: string; jwt?: string; chat?: string; resume?: Position }
  | ({ type: "resume" } & Position)
  | { type: "message.send"; client_message_id: string; text: string }
  | { type: "feedback"; exchange: number; value: Thumb }
  | { type: "reply.stop" }
  | { type: "handoff.request" }
  | { type: "typing" }
  | { type: "ping" }
  | { type: "pong" };
