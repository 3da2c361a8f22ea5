/** Every word the widget says of its own accord. */

export const words = {
  title: "Chat",
  subtitle: "AI assistant",
  waitingSubtitle: "Waiting for a person",
  staffSubtitle: (name: string) => `Talking with ${name}`,
  aPerson: "A person",
  person: "Talk to a person",
  asking: "Asking for a person…",
  youAsked: "You asked for a person. We will answer here.",
  waiting: "A person will answer here.",
  joined: (name: string) => `${name} has joined`,
  back: (agent: string) => `${agent} is answering again`,
  resolved: "This conversation has ended",
  startAgain: "Write to start again.",
  typing: (name: string) => `${name} is typing`,
  earlier: "Earlier messages are not shown here.",
  helpful: "Helpful",
  unhelpful: "Not helpful",
  rating: "Was this helpful?",
  queued: "Queued",
  noConnection: "No connection",
  open: "Open chat",
  close: "Close chat",
  conversation: "Conversation",
  message: "Message",
  placeholder: "Write a message",
  send: "Send",
  stop: "Stop",
  you: "You",
  replying: "Writing an answer",
  sources: "Sources",
  openSource: "Open the page",
  newMessages: "New messages",
  sending: "Sending…",
  kept: "Waiting for a connection",
  retry: "Try again",
  connecting: "Connecting…",
  offline: "You are offline. Your messages are kept and sent once you are back.",
  reconnecting: "No connection. Trying again.",
  emptyReason: "Write a message first",
  unread: (count: number) => `${count} new ${count === 1 ? "message" : "messages"}`,
  source: (number: number, title: string) => `Source ${number}: ${title}`,
  page: (page: number) => `Page ${page}`,
  left: (used: number, limit: number) => `${used.toLocaleString()} of ${limit.toLocaleString()} characters`,
  over: (extra: number) =>
    `${extra.toLocaleString()} ${extra === 1 ? "character" : "characters"} too many. Shorten the message to send it.`,
};

const stops: Record<string, string> = {
  takeover: "Stopped: a person takes over",
  visitor_left: "Stopped because you were away",
  interrupted: "Stopped by your next message",
};

export const stopped = (reason = ""): string => stops[reason] ?? "Stopped";

const problems: Record<string, string> = {
  message_too_long: "That message is too long. Shorten it and send it again.",
  budget_exhausted: "The assistant has reached its limit for now. Your question is saved.",
  overloaded: "Many people are asking right now. Wait a moment.",
  timeout: "The answer took too long.",
  unreachable: "The assistant could not be reached.",
  chat_lost: "The earlier conversation is no longer available. This is a new one.",
  refused_origin: "This chat is not set up for this website.",
  refused: "This chat is not available right now.",
  busy: "Many people are here right now. Trying again in a moment.",
};

const UNFINISHED = "The answer could not be finished. Your question is saved.";
const UNSENT = "This message was not sent.";

/** Codes of the minds behind an agent carry a prefix. */
export const answerProblem = (code: string): string => problems[code.replace(/^provider_/, "")] ?? UNFINISHED;

/** The server's own sentence helps only where we have none. */
export const sendProblem = (code: string, detail?: string): string =>
  problems[code] ?? (detail && detail.length <= 200 ? detail : UNSENT);
