/** What carries frames: one interface, whatever a network between here and the server lets through. */

import type { ClientFrame, ServerFrame } from "./frames";

export interface Ears {
  /** Now `hello` can be said. */
  opened(): void;
  received(frame: ServerFrame): void;
  /** A close code of docs/protocol.md; 0 where the line just ended. */
  closed(code: number): void;
}

export interface Line {
  send(frame: ClientFrame): void;
  /** Nothing is heard of it after this. */
  close(): void;
}

export interface Place {
  host: string;
  agent: string;
}

export type OpenLine = (place: Place, ears: Ears) => Line;
