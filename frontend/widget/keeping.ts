/** What of a conversation this browser keeps over pages and visits, and what the site's other tabs hear of it. */

import type { Appearance } from "./frames";
import { Memory } from "./memory";
import { known } from "./records";
import { isExpected } from "./reply";
import { type News, Tabs } from "./tabs";
import { empty, reduce, type Transcript } from "./transcript";

export class Keeping {
  readonly #memory: Memory;
  readonly #tabs: Tabs;
  /** The keys of what this tab has or had to send; what else is kept waits in other tabs, or waited in one that is gone. */
  readonly #mine = new Set<string>();
  #written = "";

  constructor(agent: string) {
    this.#memory = new Memory(agent);
    this.#tabs = new Tabs(agent);
  }

  get draft(): string {
    return this.#memory.load().draft ?? "";
  }

  set draft(text: string) {
    this.#memory.save({ draft: text });
  }

  recall(): Transcript {
    const { token, chat, unsent = [] } = this.#memory.load();
    for (const { key } of unsent) this.#mine.add(key);
    const known = reduce(empty, { type: "local.known", ...(token && { token }), ...(chat && { chat }) });
    return reduce(known, { type: "local.queued", unsent });
  }

  /** Whom somebody vouches for is not kept here: the page says it anew each time. */
  changed(before: Transcript, now: Transcript, isVouched: boolean): void {
    if (!isVouched) this.#keepName(before, now);
    if (now.chat && now.chat !== before.chat) this.#tellChat(now, isVouched);
    if (now.exchanges !== before.exchanges || now.handledBy !== before.handledBy)
      this.#keepUnsent(now, isVouched);
  }

  dressed(appearance: Appearance | undefined): void {
    if (appearance) this.#memory.save({ appearance });
  }

  tell(news: News): void {
    this.#tabs.tell(news);
  }

  forget(): void {
    this.#memory.forget();
  }

  listen(heard: ((news: News) => void) | null): void {
    this.#tabs.listen(heard);
  }

  #keepName(before: Transcript, { token, chat }: Transcript): void {
    if (token !== before.token || chat !== before.chat) this.#memory.save({ token, chat });
  }

  #tellChat({ token, chat }: Transcript, isVouched: boolean): void {
    if (isVouched) this.tell({ type: "chat" });
    else if (token) this.tell({ type: "chat", token, ...known("chat", chat) });
  }

  #keepUnsent({ exchanges, handledBy }: Transcript, isVouched: boolean): void {
    const waiting = exchanges.filter((one) => one.sending !== "sent");
    const isAwaited =
      handledBy !== "agent" || exchanges.some((one) => one.sending === "pending" || isExpected(one));
    const unsent = waiting.map(({ key, request: text, sending }) => ({
      key,
      text,
      ...(sending === "failed" && { failed: true }),
    }));
    const kept = isVouched ? { isAwaited: false, unsent: [] } : { isAwaited, unsent };
    const written = JSON.stringify(kept);
    if (written === this.#written) return;
    this.#written = written;
    for (const { key } of unsent) this.#mine.add(key);
    const others = this.#memory.load().unsent?.filter(({ key }) => !isVouched && !this.#mine.has(key)) ?? [];
    this.#memory.save({ ...kept, unsent: [...others, ...kept.unsent] });
  }
}
