/** Tells the page, once each, what happened in the conversation. */

import type { ServerFrame } from "./frames";
import { isAnswering } from "./reply";
import { find, type Transcript } from "./transcript";

export interface Said {
  role: "visitor" | "agent" | "staff";
  text: string;
  exchange: string;
  name?: string;
}

export type Happening = "conversation-started" | "handoff" | "resolved" | "identified";

/** What the page hears of. */
export interface Page {
  said(message: Said): void;
  happened(name: Happening, detail: Record<string, unknown>): void;
}

/** A frame made one transcript of the other. */
export function report(frame: ServerFrame, before: Transcript, after: Transcript, page: Page): void {
  if (frame.type === "handoff") page.happened("handoff", { ...aboutWho(frame), state: frame.state });
  if (frame.type === "resolved") page.happened("resolved", { by: frame.by });
  if (before.chat === undefined && after.chat !== undefined && frame.type === "ack")
    page.happened("conversation-started", { chat: after.chat });
  if (frame.type === "ack" || frame.type === "message")
    return reportMessage(frame.exchange, before, after, page);
  if (frame.type !== "reply.completed") return;
  const old = find(before, frame.exchange);
  const text = find(after, frame.exchange)?.response;
  if (old && isAnswering(old) && text !== undefined)
    page.said({ role: "agent", text, exchange: String(frame.exchange) });
}

/** Once each: an acknowledged message comes again as itself. */
function reportMessage(id: number, before: Transcript, after: Transcript, page: Page): void {
  const one = find(after, id);
  if (!one || find(before, id)) return;
  const exchange = String(id);
  if (one.staff === undefined) page.said({ role: "visitor", text: one.request, exchange });
  else page.said({ role: "staff", text: one.response, exchange, name: one.staff });
}

const aboutWho = ({ by, name }: { by: string; name?: string | null }): Record<string, unknown> => ({
  by,
  ...(name && { name }),
});
