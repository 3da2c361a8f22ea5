/** The socket's vocabulary, as far as the widget speaks it; unknown fields and types are ignored. */

export interface Citation {
  number: number;
  title: string;
  url: string | null;
  quote: string;
  page?: number | null;
  /** When its source was last read, RFC 3339. */
  at?: string | null;
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
  feedback_comment?: string | null;
  created_at?: string;
  grounded: boolean | null;
}

export interface Agent {
  id: string;
  name: string;
  greeting: string;
  suggestions?: string[];
  avatar?: string | null;
  appearance?: Appearance;
}

/** What the organisation set; the page's own `data-*` win. */
export type Appearance = Partial<
  Record<"color" | "theme" | "position" | "title" | "launcher", string | null>
> & {
  radius?: number | null;
};

/** What a server may offer; the widget shows nothing that was not offered. */
export type Offer = "person" | "feedback" | "csat" | "email" | "transcript" | "context" | "frames" | "fresh";

export interface Queue {
  position?: number | null;
  /** Whether somebody of the staff is there at all. */
  attended?: boolean;
}

export interface Welcome {
  type: "welcome";
  v?: number;
  token: string;
  /** Absent from servers that know of none. */
  offers?: Offer[];
  agent: Agent;
  chat: string | null;
  handled_by?: HandledBy;
  name?: string | null;
  avatar?: string | null;
  resolved?: boolean;
  queue?: Queue | null;
  csat?: number | null;
  has_email?: boolean;
  /** Absent where the line carries no numbers to go on from. */
  last_seq?: number;
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
  avatar?: string | null;
}

export type ReplyEnd =
  | (End & { type: "reply.completed"; grounded: boolean | null })
  | (End & { type: "reply.cancelled"; reason: string })
  | (End & { type: "reply.failed"; code: string; retryable: boolean });

export type ServerFrame =
  | Welcome
  | {
      type: "ack";
      seq: number | null;
      client_message_id: string;
      exchange: number;
      chat: string;
      token?: string;
    }
  | Message
  | (OfReply & Durable & { type: "reply.started" })
  | (OfReply & { type: "reply.delta"; index: number; text: string })
  | (OfReply & { type: "reply.citations"; citations: Citation[] })
  | ReplyEnd
  | Handoff
  | (Durable & { type: "assigned"; name?: string | null; avatar?: string | null })
  | (Durable & { type: "resolved"; by: string })
  | (Durable & { type: "feedback"; exchange: number; value: number; comment?: string })
  | (Durable & { type: "csat"; value: number })
  | (Durable & { type: "email" })
  | ({ type: "queue" } & Queue)
  | { type: "typing"; from: "visitor" | "staff"; name?: string | null }
  | { type: "error"; code: string; detail?: string; client_message_id?: string; retry_after?: number }
  | { type: "ping" }
  | { type: "pong" };

/** What the page says of itself or of its visitor; it proves nothing. */
export type Facts = Record<string, string | number | boolean>;

/** Where a reader is: the last durable frame, and the last delta of a reply that still runs. */
export interface Position {
  seq: number;
  exchange?: number;
  epoch?: number;
  index?: number;
}

export type ClientFrame =
  | { type: "hello"; token?: string; jwt?: string; chat?: string; resume?: Position; fresh?: true }
  | ({ type: "resume" } & Position)
  | { type: "message.send"; client_message_id: string; text: string }
  | { type: "feedback"; exchange: number; value: Thumb; comment?: string }
  | { type: "csat"; value: number; comment?: string }
  | { type: "email"; address: string }
  | { type: "context"; context?: Facts; attributes?: Facts }
  | { type: "reply.stop" }
  | { type: "handoff.request" }
  | { type: "typing" }
  | { type: "ping" }
  | { type: "pong" };
