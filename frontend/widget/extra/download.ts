import type { Transcript } from "../transcript";

/** Saves the conversation as the server tells it, by a link that only this page can follow. */
export async function download(host: string, { chat, token }: Transcript): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${host}/api/v1/chats/${chat}/transcript`, { headers, credentials: "omit" });
  if (!answer.ok) throw new Error(String(answer.status));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `conversation-${new Date().toISOString().slice(0, 10)}.md`;
  link.click();
  URL.revokeObjectURL(link.href);
}
