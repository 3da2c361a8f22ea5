/** Pages of one site that are open at once tell each other what is not the server's to tell. */

export type News =
  /** A chat was begun; whose tenant vouches for them is told by the server which. */
  | { type: "chat"; token?: string; chat?: string }
  | { type: "read" }
  /** A new conversation was begun, or everything forgotten. */
  | { type: "fresh" }
  | { type: "forgotten" };

export class Tabs {
  #channel: BroadcastChannel | undefined;

  constructor(agent: string, heard: (news: News) => void) {
    try {
      this.#channel = new BroadcastChannel(`chatwithus:${agent}`);
      this.#channel.onmessage = ({ data }) => heard(data as News);
    } catch {
      // Where the browser keeps tabs apart, the server is what they share.
    }
  }

  tell(news: News): void {
    this.#channel?.postMessage(news);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }
}
