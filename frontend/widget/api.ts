import type { ChatWithUsElement, OpenOptions } from "./element";
import type { Facts } from "./frames";

type Listener = (detail: unknown) => void;
type Methods = Record<string, (...given: never[]) => unknown>;
type Queued = { q?: ArrayLike<unknown>[] };

declare global {
  interface Window {
    ChatWithUs?: Queued & ((...call: unknown[]) => unknown);
    chatWithUsSettings?: Record<string, unknown>;
  }
}

/** The listeners of the page, by name: one may listen for several things. */
class Listeners {
  readonly #handlers = new Map<string, Map<Listener, EventListener>>();

  on = (name: string, listener: Listener): void => {
    if (typeof listener !== "function") return;
    if (name === "ready") return queueMicrotask(() => listener({}));
    const handler: EventListener = (event) => listener((event as CustomEvent).detail);
    const named = this.#handlers.get(name) ?? new Map<Listener, EventListener>();
    this.off(name, listener);
    this.#handlers.set(name, named.set(listener, handler));
    window.addEventListener(`chatwithus:${name}`, handler);
  };

  off = (name: string, listener: Listener): void => {
    const handler = this.#handlers.get(name)?.get(listener);
    if (handler) window.removeEventListener(`chatwithus:${name}`, handler);
    this.#handlers.get(name)?.delete(listener);
  };
}

function methodsOf(element: ChatWithUsElement, shutdown: () => void): Methods {
  const setContext = (context: Facts) => element.tellFacts({ context });
  return {
    open: (options?: OpenOptions) => void element.open(options),
    close: element.close,
    toggle: element.toggle,
    show: () => element.removeAttribute("hidden"),
    hide: () => element.setAttribute("hidden", ""),
    send: element.send,
    identify: (person?: { jwt?: string }) => element.identify(person),
    setAttributes: (attributes: Facts) => element.tellFacts({ attributes }),
    setContext,
    context: setContext,
    setLocale: (locale: string) => element.setAttribute("data-locale", locale),
    setTheme: (theme: string) => element.setAttribute("data-theme", theme),
    newConversation: element.fresh,
    reset: element.reset,
    shutdown,
    isOpen: () => element.isOpen,
    ...new Listeners(),
  };
}

/** Puts the callable `window.ChatWithUs` over `element` and makes up for the calls that came before it. */
export function publish(element: ChatWithUsElement, shutdown: () => void): void {
  const methods = methodsOf(element, shutdown);
  const call = (name: unknown, ...given: unknown[]): unknown =>
    Object.hasOwn(methods, String(name)) ? methods[String(name)]?.(...(given as never[])) : undefined;
  const early = window.ChatWithUs?.q ?? [];
  window.ChatWithUs = Object.assign(call, methods);
  element.emit("ready");
  for (const queued of early) call(...(Array.from(queued) as [unknown, ...unknown[]]));
}
