const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Milliseconds before attempt `attempt` (from 0): doubling, half of it drawn by lot so that a restart is not a stampede. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + random() / 2));
}
