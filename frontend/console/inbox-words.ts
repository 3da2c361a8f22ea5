/** Every word the inbox says of its own accord. */

import type { Judged, Row, Tab, Turn } from "./inbox-frames";
import type { Exchange } from "./inbox-talk";
import type { Verdict } from "./snapshot";
import { waited } from "./times";

/** Whom the organisation has vouched for is called by name; others by the end of what they are numbered by. */
export const visitorName = ({ visitor, person }: Row): string =>
  person?.name || person?.email || `Visitor ${visitor.slice(-4)}`;

/** Who handles a chat, as its row says it. */
export function handler(row: Row, me: number, now = Date.now()): string {
  if (row.resolved_at) return "Ended";
  if (row.handled_by === "waiting") return `Waiting ${waited(row.waiting_since ?? row.last_at, now)}`;
  if (row.handled_by === "staff") return row.assignee === me ? "With you" : `With ${row.name}`;
  return "With the agent";
}

/** The same where one chat is open. */
export function handling(row: Row, me: number, now = Date.now()): string {
  if (row.resolved_at) return "This chat has ended.";
  if (row.handled_by === "waiting")
    return `Waiting for a person for ${waited(row.waiting_since ?? row.last_at, now)}.`;
  if (row.handled_by === "staff") return row.assignee === me ? "You answer." : `${row.name} answers.`;
  return `${row.agent} answers.`;
}

/** Why no answer can be written now; empty where it can. */
export function whyNot(row: Row, me: number): string {
  if (row.resolved_at) return "This chat has ended. Take it over to write to the visitor again.";
  if (row.handled_by === "agent") return `${row.agent} answers. Take the chat over to write to the visitor.`;
  if (row.handled_by === "waiting") return "The visitor is waiting. Take the chat over to answer.";
  return row.assignee === me ? "" : `${row.name} answers. Take the chat over to write to the visitor.`;
}

export function turned(turn: Turn, agent: string): string {
  const who = turn.name || "A colleague";
  if (turn.type === "resolved")
    return turn.by === "idle" ? "Ended: nothing was said for a while" : "Resolved";
  if (turn.type === "assigned" || turn.state === "staff") return `${who} took over`;
  if (turn.state === "waiting") return `${turn.by === "agent" ? agent : "The visitor"} asked for a person`;
  return turn.by === "visitor" ? `The visitor wrote again; ${agent} answers` : `Handed back to ${agent}`;
}

const STOPS: Record<string, string> = {
  stopped: "Stopped by the visitor",
  takeover: "Stopped here: taken over",
  visitor_left: "Stopped: the visitor left",
  interrupted: "Stopped: the visitor wrote again",
};

/** What is to be said below an answer. */
export function mark(one: Exchange): string {
  const said = [ending(one)];
  if (one.feedback)
    said.push(one.feedback > 0 ? "The visitor found this helpful" : "The visitor found this unhelpful");
  return said.filter(Boolean).join(" · ");
}

function ending({ state, reason, response }: Exchange): string {
  if (state === "running") return response ? "" : "Writing…";
  if (state === "queued") return "Waits for its turn";
  if (state === "stopped") return STOPS[reason ?? ""] ?? "Stopped";
  if (state === "failed") return response ? "The answer failed before it was finished" : "The answer failed";
  return "";
}

const VERDICTS: Record<Verdict, string> = {
  supported: "Says what the sources say",
  partly: "Says more than the sources",
  unsupported: "Not in the sources",
  refused: "Said that it does not know",
  nothing: "",
};

/** Whether an answer may be believed, and what in it may not. */
export function judged(told: Judged | undefined): string {
  if (!told) return "";
  const missing = told.verdict === "partly" ? told.unsupported.map((sentence) => `“${sentence}”`) : [];
  return [VERDICTS[told.verdict] ?? "", missing.join(" ")].filter(Boolean).join(": ");
}

export const EMPTY: Record<Tab, string> = {
  waiting: "Nobody is waiting. A chat appears here as soon as a visitor or an agent asks for a person.",
  staff: "No chat is with staff. A chat that you or a colleague take over appears here.",
  agent: "No agent is in a chat right now. A chat appears here as soon as a visitor writes.",
  all: "No chats yet. Each one appears here as soon as a visitor writes.",
};

const PROBLEMS: Record<string, string> = {
  not_yours: "You do not handle this chat any more. Take it over, then try again.",
  no_such_chat: "This chat does not exist any more.",
  message_too_long: "This is too long: at most 4,000 characters can be sent.",
};

export const problem = (code: string, detail?: string): string =>
  PROBLEMS[code] ?? detail ?? "This was refused.";

export const words = {
  sending: "Sending…",
  kept: "Kept until the connection is back",
  offline: "That was not done: there is no connection. Try again once it is back.",
  typing: "The visitor is writing…",
  you: "You",
  visitor: "Visitor",
  note: "Internal note",
  answerLabel: "Answer to the visitor",
  noteLabel: "Internal note, for your colleagues",
  answerHint: "The visitor sees this. Enter sends, Shift + Enter starts a new line.",
  noteHint: "Only your colleagues see this, never the visitor.",
  send: "Send",
  addNote: "Add note",
  tooLong: (extra: number) =>
    `${extra.toLocaleString()} ${extra === 1 ? "character" : "characters"} too many.`,
  waiting: (count: number) => `${count} ${count === 1 ? "chat is" : "chats are"} waiting for a person.`,
};
