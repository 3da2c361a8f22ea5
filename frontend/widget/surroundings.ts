import { prefersDark } from "./appearance";

interface Hooks {
  /** The device may be back, from sleep, from another tab, from a tunnel, or gone: the line is asked whether it holds. */
  awake(): void;
  repaint(): void;
  /** What can be seen of the page has another size: a keyboard came up, or went. */
  resized(): void;
}

/** Follows what happens around the widget; returns what ends that. */
export function attend({ awake, repaint, resized }: Hooks): () => void {
  const end = new AbortController();
  const listen = (target: EventTarget | null, names: string, then: () => void) => {
    for (const name of names.split(" ")) target?.addEventListener(name, then, { signal: end.signal });
  };
  listen(window, "online offline pageshow", awake);
  listen(document, "visibilitychange", awake);
  listen(prefersDark, "change", repaint);
  listen(window.visualViewport, "resize scroll", resized);
  return () => end.abort();
}
