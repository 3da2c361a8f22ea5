import type { Position, ServerFrame } from "../frames";
import type { OpenLine } from "../line";
import { HttpLine, type Send } from "./http";

/** Server-sent events down, requests up. Read by `fetch`: an `EventSource` cannot say who it is. */
class Stream extends HttpLine {
  #following = new AbortController();

  override close(): void {
    super.close();
    this.#following.abort();
  }

  protected override async follow(from: Position | undefined): Promise<void> {
    this.#following.abort();
    const mine = new AbortController();
    this.#following = mine;
    const answer = await this.request(
      `/chats/${this.chat}/events`,
      undefined,
      from ? { "Last-Event-ID": named(from) } : {},
    );
    for await (const frame of events(answer, mine.signal)) {
      if (frame.type === "welcome") this.welcome(frame);
      else this.hear(frame);
    }
    if (!mine.signal.aborted && !this.isClosed) this.ears.closed(0);
  }

  /** The reply itself comes through the chat's events; what is of use here is that the message is on record. */
  protected override async ask(message: Send): Promise<void> {
    const isFirst = this.chat === undefined;
    const answer = await this.request("/chat", { ...this.question(message), stream: true });
    const mine = new AbortController();
    for await (const frame of events(answer, mine.signal)) {
      if (frame.type !== "ack") continue;
      this.chat = frame.chat;
      this.hear({ ...frame, client_message_id: message.client_message_id });
      mine.abort();
    }
    if (isFirst && this.chat) await this.follow({ seq: 0 });
  }
}

const named = ({ seq, exchange = 0, epoch = 0, index = -1 }: Position): string =>
  `${seq}.${exchange}.${epoch}.${index}`;

/** The frames of an event stream; a comment is a sign of life. */
async function* events(answer: Response, end: AbortSignal): AsyncGenerator<ServerFrame> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const cancel = () => void reader.cancel().catch(() => {});
  end.addEventListener("abort", cancel);
  let text = "";
  while (!end.aborted) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) yield frameOf(block);
  }
}

function frameOf(block: string): ServerFrame {
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  return data ? JSON.parse(data) : { type: "pong" };
}

export const openStream: OpenLine = (place, ears) => new Stream(place, ears);
