/** Says whether what the page shows is current. */

import type { Line } from "./live";
import { byTestId, setText } from "./page";

const PATIENCE_MS = 300;
const LINES: Record<Line, string> = {
  live: "Live",
  reconnecting: "Reconnecting",
  "signed-out": "Signed out",
};

/** A blink of the line is not worth a word: "Reconnecting" is said after 300 ms. */
export function connectionLine(): (line: Line) => void {
  const state = byTestId("connection");
  let patience = 0;
  return (now) => {
    clearTimeout(patience);
    const say = () => {
      if (state) state.dataset.line = now;
      setText(state?.querySelector("[data-label]"), LINES[now]);
      document.getElementById("sign-in-again")?.toggleAttribute("hidden", now !== "signed-out");
    };
    if (now === "reconnecting") patience = window.setTimeout(say, PATIENCE_MS);
    else say();
  };
}
