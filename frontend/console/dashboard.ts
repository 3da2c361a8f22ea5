import { ChatList } from "./chats";
import { connectionLine } from "./connection";
import { listen } from "./live";
import { byTestId, setText } from "./page";
import { duration, isSnapshot, SENTIMENTS, type Snapshot, share } from "./snapshot";
import { clockTime } from "./times";

/** Shows the snapshot that came with the page, then every one the socket sends. */
export function startDashboard(): void {
  const data = document.getElementById("snapshot");
  const body = document.getElementById("latest-chats");
  if (!data || !body) return;
  const chats = new ChatList(body);
  const show = (frame: unknown) => {
    if (!isSnapshot(frame)) return;
    figures(frame);
    sentiment(frame);
    chats.update(frame.latest);
    document.getElementById("chats")?.toggleAttribute("hidden", frame.latest.length === 0);
    document.getElementById("no-chats")?.toggleAttribute("hidden", frame.latest.length > 0);
    setText(byTestId("as-of"), frame.at ? `As of ${clockTime(frame.at)}` : "");
  };
  show(JSON.parse(data.textContent || "null"));
  listen("/ws/dashboard", show, connectionLine());
}

function figures({ today }: Snapshot): void {
  setText(byTestId("chats-today"), today.chats.toLocaleString());
  setText(byTestId("exchanges-today"), today.exchanges.toLocaleString());
  setText(byTestId("first-token-p50"), duration(today.first_token_p50_ms));
}

function sentiment({ today }: Snapshot): void {
  const scored = SENTIMENTS.reduce((sum, name) => sum + today[name], 0);
  document.getElementById("sentiment-bar")?.toggleAttribute("data-empty", scored === 0);
  for (const name of SENTIMENTS) {
    setText(byTestId(`sentiment-${name}`), today[name].toLocaleString());
    setText(byTestId(`share-${name}`), share(today[name], scored));
    const part = document.querySelector<HTMLElement>(`#sentiment-bar [data-sentiment="${name}"]`);
    if (part) part.style.flexGrow = String(today[name]);
  }
}
