import type { Line, OpenLine } from "./line";

type Way = "openStream" | "openPost";

/** A line of the bundle `widget-fallback.js`, which is fetched from our own host when it is needed first. */
export const detour =
  (way: Way): OpenLine =>
  ({ host, agent }, ears) => {
    let line: Line | undefined;
    let isClosed = false;
    const bundle: Promise<Record<Way, OpenLine>> = import(`${host}/widget-fallback.js`);
    bundle.then(
      (ways) => {
        if (!isClosed) line = ways[way]({ host, agent }, ears);
      },
      () => isClosed || ears.closed(0),
    );
    return {
      send: (frame) => line?.send(frame),
      close: () => {
        isClosed = true;
        line?.close();
      },
    };
  };
