import type { OpenChat } from "./inbox-frames";
import { showLeft } from "./inbox-left";
import { handling, visitorName } from "./inbox-words";
import { byTestId, setText } from "./page";

export type Act = "take_over" | "hand_back" | "resolve";

const BUTTONS: Record<string, Act> = {
  "take-over": "take_over",
  "hand-back": "hand_back",
  "resolve-sure": "resolve",
};

interface Hooks {
  /** False where it could not be asked for. */
  act(act: Act): boolean;
  leave(): void;
}

/** Whose chat is open, who handles it, and what can be done about that. */
export class Head {
  readonly #name = byTestId("chat-visitor") as HTMLElement;
  readonly #handler = document.getElementById("chat-handler") as HTMLElement;
  readonly #buttons = Object.keys(BUTTONS).map((id) => document.getElementById(id) as HTMLElement);
  readonly #detail: string;

  /** `detail` is the address of a chat's own page, with zeros for the chat. */
  constructor(hooks: Hooks, detail: string) {
    this.#detail = detail;
    for (const button of this.#buttons)
      button.addEventListener("click", () => {
        const act = BUTTONS[button.id];
        if (!act || button.getAttribute("aria-disabled") === "true") return;
        if (hooks.act(act)) button.setAttribute("aria-disabled", "true");
      });
    document.getElementById("chat-back")?.addEventListener("click", () => hooks.leave());
  }

  /** What was asked for has had its answer, or will have none. */
  ready(): void {
    for (const button of this.#buttons) button.setAttribute("aria-disabled", "false");
  }

  update(state: OpenChat, me: number, isMine: boolean): void {
    setText(this.#name, visitorName(state));
    this.#name.title = state.person?.email || state.visitor;
    setText(this.#handler, handling(state, me));
    showLeft(document.getElementById("chat-left") as HTMLElement, state);
    this.#handler.dataset.handler = state.resolved_at ? "ended" : state.handled_by;
    const address = this.#detail.replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, encodeURIComponent(state.chat));
    for (const link of document.querySelectorAll<HTMLAnchorElement>("#chat-detail, #earlier a"))
      link.href = address;
    this.#show("take-over", !isMine);
    this.#show("hand-back", isMine);
    this.#show("resolve", isMine || (state.handled_by === "waiting" && !state.resolved_at));
  }

  #show(id: string, isShown: boolean): void {
    document.getElementById(id)?.toggleAttribute("hidden", !isShown);
  }
}
