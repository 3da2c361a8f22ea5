/** A staff socket: comes back by itself, keeps its own heartbeat, and says whether what the page shows is current. */

import { backoff } from "../widget/backoff";

export type Line = "live" | "reconnecting" | "signed-out";

export interface Live {
  /** False where the frame could not leave: nothing is kept here. */
  send(frame: { type: string }): boolean;
}

const NOT_ADMITTED = new Set([4401, 4403]);
const QUIET_MS = 25_000;
const PATIENCE_MS = 10_000;

export function listen(
  path: string,
  received: (frame: unknown) => void,
  changed: (line: Line) => void,
): Live {
  let attempt = 0;
  let timer = 0;
  let socket: WebSocket | undefined;

  const send = (frame: { type: string }): boolean => {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify({ v: 1, ...frame }));
    return true;
  };

  const wait = (after: number, then: () => void) => {
    clearTimeout(timer);
    timer = window.setTimeout(then, after);
  };

  const listenOn = () => wait(QUIET_MS, () => send({ type: "ping" }) && wait(PATIENCE_MS, lost));

  /** A line that was cut without a word closes only minutes later: it is given up as soon as a ping has no answer. */
  const lost = () => {
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close();
    closed(0);
  };

  const closed = (code: number) => {
    clearTimeout(timer);
    socket = undefined;
    if (NOT_ADMITTED.has(code)) return changed("signed-out");
    changed("reconnecting");
    wait(backoff(attempt++), connect);
  };

  const connect = () => {
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${path}`);
    wait(PATIENCE_MS, lost);
    socket.onmessage = ({ data }) => {
      attempt = 0;
      listenOn();
      const frame = JSON.parse(String(data));
      if (frame.type === "ping") send({ type: "pong" });
      else received(frame);
    };
    socket.onclose = ({ code }) => closed(code);
    socket.onopen = () => {
      listenOn();
      changed("live");
    };
  };

  const wake = () => {
    if (!document.hidden && !socket) connect();
  };
  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  connect();
  return { send };
}
