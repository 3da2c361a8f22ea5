export type Sentiment = "positive" | "neutral" | "negative";
export const SENTIMENTS: readonly Sentiment[] = ["positive", "neutral", "negative"];

/** Whether the latest answer stands in what the agent was given to read. */
export type Verdict = "supported" | "partly" | "unsupported" | "refused" | "nothing";

export interface LatestChat {
  chat: string;
  agent: string;
  started_at: string;
  last_at: string;
  exchanges: number;
  sentiment: Sentiment | null;
  cause: string | null;
  grounded: Verdict | null;
  preview: string;
}

/** All that the dashboard shows; each one replaces the one before it. */
export interface Snapshot {
  at: string;
  today: Record<Sentiment, number> & {
    chats: number;
    exchanges: number;
    first_token_p50_ms: number | null;
  };
  latest: LatestChat[];
}

export function isSnapshot(frame: unknown): frame is Snapshot {
  const { today, latest } = (frame ?? {}) as Partial<Snapshot>;
  return typeof today === "object" && Array.isArray(latest);
}

export function duration(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function share(part: number, whole: number): string {
  return whole === 0 ? "–" : `${Math.round((100 * part) / whole)} %`;
}
