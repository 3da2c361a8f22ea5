/** Pages of one site that are open at once tell each other what is not the server's to tell. */

export type News =
  /** A chat was begun; whose tenant vouches for them is told by the server which. */
  | { type: "chat"; token?: string; chat?: string }
  | { type: "read" }
  /** A new conversation was begun, or everything forgotten. */
  | { type: "fresh" }
  | { type: "forgotten" };

export class Tabs {
  readonly #channel: BroadcastChannel | undefined;

  constructor(agent: string) {
    try {
      this.#channel = new BroadcastChannel(`chatwithus:${agent}`);
    } catch {
      // Where the browser keeps tabs apart, the server is what they share.
    }
  }

  /** Nothing is heard by an element that was taken out of its page, until it is put back. */
  listen(heard: ((news: News) => void) | null): void {
    if (this.#channel) this.#channel.onmessage = heard && (({ data }) => heard(data as News));
  }

  tell(news: News): void {
    this.#channel?.postMessage(news);
  }
}
