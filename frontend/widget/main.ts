/** `<script async src="HOST/widget.js" data-agent="…">` becomes one element at the end of the page. */

import { publish } from "./api";
import { SETTINGS } from "./appearance";
import { ChatWithUsElement } from "./element";

const TAG = "chat-with-us";

function embed(script: HTMLScriptElement): void {
  if (script.src) ChatWithUsElement.origin = new URL(script.src).origin;
  if (!customElements.get(TAG)) customElements.define(TAG, ChatWithUsElement);
  const element = document.querySelector<ChatWithUsElement>(TAG) ?? create(script);
  if (!element) return;
  const end = stay(element);
  const clicked = ({ target }: Event) => opened(element, target);
  document.addEventListener("click", clicked);
  publish(element, () => {
    end();
    document.removeEventListener("click", clicked);
    element.remove();
    delete window.ChatWithUs;
  });
  if (new URLSearchParams(location.search).has("chatwithus-debug")) void diagnose(element);
}

function create(script: HTMLScriptElement): ChatWithUsElement | undefined {
  const element = document.createElement(TAG) as ChatWithUsElement;
  for (const name of SETTINGS) {
    const given = script.getAttribute(`data-${name}`) ?? window.chatWithUsSettings?.[name];
    if (given !== undefined && given !== null && given !== false)
      element.setAttribute(`data-${name}`, String(given));
  }
  return element.dataset.agent ? element : undefined;
}

/** Beside the body, not in it, and back again where a framework that swaps pages has thrown it out. */
function stay(element: HTMLElement): () => void {
  const root = document.documentElement;
  const put = () => element.isConnected || root.append(element);
  put();
  const watch = new MutationObserver(put);
  watch.observe(root, { childList: true });
  return () => watch.disconnect();
}

/** Any element with `data-chatwithus-open` opens the chat, with its question written or sent. */
function opened(element: ChatWithUsElement, target: EventTarget | null): void {
  const opener = target instanceof Element ? target.closest<HTMLElement>("[data-chatwithus-open]") : null;
  if (!opener) return;
  const { chatwithusMessage: message, chatwithusSend: send } = opener.dataset;
  void element.open({ ...(message !== undefined && { message }), send: send !== undefined });
}

/** The install doctor is a file of its own: nobody else pays for it. */
async function diagnose({ host, dataset }: ChatWithUsElement): Promise<void> {
  const { show } = await import(`${host}/widget-doctor.js`);
  show(document.documentElement, { host, agent: dataset.agent });
}

const script = document.currentScript ?? document.querySelector("script[src*='/widget.js']");
/** Pages that are swapped run their scripts again: whoever is there already stays. */
if (script instanceof HTMLScriptElement && !document.querySelector(TAG)?.shadowRoot) embed(script);
