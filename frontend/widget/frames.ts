/** The socket's vocabulary, as far as the widget speaks it; unknown fields and types are ignored. */

export type Id = string | number;

export interface Citation {
  number: number;
  title: string;
  url: string | null;
  quote: string;
  page?: number | null;
}

export interface PastExchange {
  exchange: Id;
  client_message_id?: string;
  request: string;
  response: string;
  citations: Citation[];
  state: string;
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
  messages: PastExchange[];
}

export type ServerFrame =
  | Welcome
  | { type: "ack"; client_message_id: string; exchange: Id; chat: string; token?: string }
  | { type: "reply.started"; exchange: Id; epoch: number }
  | { type: "reply.delta"; exchange: Id; epoch: number; index: number; text: string }
  | { type: "reply.citations"; exchange: Id; citations: Citation[] }
  | { type: "reply.completed"; exchange: Id; epoch: number; grounded: boolean }
  | { type: "reply.failed"; exchange: Id; code: string; retryable: boolean }
  | { type: "reply.cancelled"; exchange: Id; reason: string }
  | { type: "error"; code: string; detail?: string; client_message_id?: string }
  | { type: "ping" }
  | { type: "pong" };

export type ClientFrame =
  | { type: "hello"; token?: string; chat?: string }
  | { type: "message.send"; client_message_id: string; text: string }
  | { type: "reply.stop" }
  | { type: "ping" }
  | { type: "pong" };
