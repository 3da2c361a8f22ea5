/** `<script async src="HOST/widget.js" data-agent="…">` becomes one element at the end of the page. */

import { publish } from "./api";
import { ChatWithUsElement } from "./element";

const TAG = "chat-with-us";
const SETTINGS = ["agent", "host", "position", "theme", "title", "greeting", "launcher", "open", "z-index"];

function embed(script: HTMLScriptElement): void {
  if (script.src) ChatWithUsElement.origin = new URL(script.src).origin;
  customElements.define(TAG, ChatWithUsElement);
  const element = document.querySelector<ChatWithUsElement>(TAG) ?? create(script);
  if (!element) return;
  // Beside the body, not in it: frameworks that swap the body leave the conversation alone.
  if (!element.isConnected) document.documentElement.append(element);
  document.addEventListener("click", ({ target }) => opened(element, target));
  publish(element);
}

function create(script: HTMLScriptElement): ChatWithUsElement | undefined {
  const element = document.createElement(TAG) as ChatWithUsElement;
  for (const name of SETTINGS) {
    const given = script.getAttribute(`data-${name}`) ?? window.chatWithUsSettings?.[name];
    if (given !== undefined && given !== false) element.setAttribute(`data-${name}`, String(given));
  }
  return element.dataset.agent ? element : undefined;
}

/** Any element with `data-chatwithus-open` opens the chat, with its question written or sent. */
function opened(element: ChatWithUsElement, target: EventTarget | null): void {
  const opener = target instanceof Element ? target.closest<HTMLElement>("[data-chatwithus-open]") : null;
  if (!opener) return;
  const { chatwithusMessage: message, chatwithusSend: send } = opener.dataset;
  element.open({ ...(message !== undefined && { message }), send: send !== undefined });
}

const script = document.currentScript ?? document.querySelector("script[data-agent][src*='/widget.js']");
if (script instanceof HTMLScriptElement && !customElements.get(TAG)) embed(script);
