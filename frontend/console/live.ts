/** A socket that only listens, comes back by itself, and says whether what it showed is current. */

import { backoff } from "../widget/backoff";

export type Line = "live" | "reconnecting" | "signed-out";

const NOT_ADMITTED = new Set([4401, 4403]);

export function listen(
  path: string,
  received: (frame: unknown) => void,
  changed: (line: Line) => void,
): void {
  let attempt = 0;
  let retry = 0;
  let socket: WebSocket | undefined;

  const connect = () => {
    clearTimeout(retry);
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${path}`);
    socket.onmessage = ({ data }) => {
      attempt = 0;
      changed("live");
      received(JSON.parse(String(data)));
    };
    socket.onclose = ({ code }) => {
      if (NOT_ADMITTED.has(code)) return changed("signed-out");
      changed("reconnecting");
      retry = window.setTimeout(connect, backoff(attempt++));
    };
    socket.onopen = () => changed("live");
  };

  const wake = () => {
    if (!document.hidden && socket?.readyState === WebSocket.CLOSED) connect();
  };
  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  connect();
}
