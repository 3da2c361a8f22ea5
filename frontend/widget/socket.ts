import type { ClientFrame } from "./frames";
import type { Ears, Line, OpenLine } from "./line";

class Socket implements Line {
  readonly #socket: WebSocket;

  constructor(url: string, ears: Ears) {
    this.#socket = new WebSocket(url);
    this.#socket.onopen = ears.opened;
    this.#socket.onclose = ({ code }) => ears.closed(code);
    this.#socket.onmessage = ({ data }) => {
      const frame = parsed(data);
      if (frame) ears.received(frame);
    };
  }

  send(frame: ClientFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ v: 1, ...frame }));
  }

  close(): void {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }
}

function parsed(data: unknown) {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}

export const openSocket: OpenLine = ({ host, agent }, ears) =>
  new Socket(`${host.replace(/^http/, "ws")}/ws/chat/${encodeURIComponent(agent)}`, ears);
