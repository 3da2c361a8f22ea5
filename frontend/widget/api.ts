import type { ChatWithUsElement, OpenOptions } from "./element";

type Listener = (detail: unknown) => void;
type Methods = Record<string, (...given: never[]) => unknown>;
type Queued = { q?: ArrayLike<unknown>[] };

declare global {
  interface Window {
    ChatWithUs?: Queued & ((...call: unknown[]) => unknown);
    chatWithUsSettings?: Record<string, unknown>;
  }
}

/** Puts the callable `window.ChatWithUs` over `element` and makes up for the calls that came before it. */
export function publish(element: ChatWithUsElement): void {
  const handlers = new Map<Listener, EventListener>();
  const methods = {
    open: (options?: OpenOptions) => element.open(options),
    close: element.close,
    toggle: element.toggle,
    send: element.send,
    identify: (person?: { jwt?: string }) => element.identify(person),
    isOpen: () => element.isOpen,
    on(name: string, listener: Listener) {
      if (name === "ready") return queueMicrotask(() => listener({}));
      const handler: EventListener = (event) => listener((event as CustomEvent).detail);
      handlers.set(listener, handler);
      window.addEventListener(`chatwithus:${name}`, handler);
    },
    off(name: string, listener: Listener) {
      const handler = handlers.get(listener);
      if (handler) window.removeEventListener(`chatwithus:${name}`, handler);
    },
  };
  const call = (name: unknown, ...given: unknown[]): unknown =>
    Object.hasOwn(methods, String(name))
      ? (methods as Methods)[String(name)]?.(...(given as never[]))
      : undefined;
  const early = window.ChatWithUs?.q ?? [];
  window.ChatWithUs = Object.assign(call, methods);
  element.emit("ready");
  for (const queued of early) call(...(Array.from(queued) as [unknown, ...unknown[]]));
}
