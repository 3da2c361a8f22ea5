import { type Chunk, chunks } from "./chunks";
import { whileWatching } from "./policy";
import { greeted } from "./socket";

export interface Patient {
  host: string;
  agent: string;
}

export interface Finding {
  name: "reach" | "policy" | "origin" | "socket" | "buffering" | "clock" | "storage" | "doctor";
  state: "ok" | "warn" | "bad";
  title: string;
  /** What to do; empty where all is well. */
  advice: string;
}

type Check = (patient: Patient) => Promise<Finding>;

const BUNCHED = 0.5;
const SKEW_MS = 60_000;
const KEY = "chatwithus:doctor";

const finding = (
  name: Finding["name"],
  isWell: boolean,
  [well, ill]: readonly [string, string],
  advice: string,
  illness: "warn" | "bad" = "bad",
): Finding => ({
  name,
  state: isWell ? "ok" : illness,
  title: isWell ? well : ill,
  advice: isWell ? "" : advice,
});

/** Each kind of thing that the widget does, tried under the page's policy. */
const policy: Check = async ({ host, agent }) => {
  const missing = await whileWatching(async () => {
    await fetch(`${host}/widget-de.json`, { credentials: "omit" }).catch(() => undefined);
    await import(`${host}/widget-extra.js`).catch(() => undefined);
    await greeted(host, agent).catch(() => undefined);
    const picture = new Image();
    picture.src = `${host}/static/favicon.svg`;
    await picture.decode().catch(() => undefined);
  });
  const socket = host.replace(/^http/, "ws");
  const needed: Record<string, string> = {
    "connect-src": `connect-src ${host} ${socket}`,
    "script-src": `script-src ${host}`,
    "img-src": `img-src ${host}`,
  };
  const directives = missing.map((name) => needed[name.replace(/-elem$/, "")] ?? name);
  return finding(
    "policy",
    missing.length === 0,
    ["The content security policy lets the chat work", "The content security policy stands in the way"],
    `Add to the page's Content-Security-Policy: ${[...new Set(directives)].join("; ")}`,
  );
};

const reach: Check = async ({ host }) => {
  const answer = await fetch(`${host}/widget-de.json`, { credentials: "omit" }).catch(() => undefined);
  return finding(
    "reach",
    answer?.ok === true,
    [`${host} answers`, `${host} does not answer`],
    "Open that address in a new tab. If it answers there, something on this page or in this network blocks it: the policy below, an extension, a firewall.",
  );
};

/** Asked without a socket too, where none gets through; a page that is not allowed cannot read the answer. */
async function isAllowed({ host, agent }: Patient): Promise<boolean> {
  const { isGreeted, code } = await greeted(host, agent);
  if (isGreeted || code === 4403) return isGreeted;
  const asked = {
    method: "POST",
    body: JSON.stringify({ agent }),
    headers: { "Content-Type": "application/json" },
  };
  const answer = await fetch(`${host}/api/v1/visitors`, { ...asked, credentials: "omit" }).catch(
    () => undefined,
  );
  return answer?.ok === true;
}

const origin: Check = async (patient) =>
  finding(
    "origin",
    await isAllowed(patient),
    [`${location.origin} is allowed`, `${location.origin} may not talk to this agent`],
    `Add ${location.origin} to the organisation's origins (console, Settings), exactly like this, and compare the agent's id: ${patient.agent}`,
  );

const socket: Check = async ({ host, agent }) => {
  const { isGreeted, wasOpen, code } = await greeted(host, agent);
  const proxy =
    "Let the proxy pass `Upgrade` and `Connection` on, as deploy/ shows. Until then the chat works by event stream or plain requests.";
  return finding(
    "socket",
    isGreeted || code === 4403,
    [
      "WebSockets get through",
      wasOpen ? "WebSockets open, but nothing comes through them" : "WebSockets do not get through",
    ],
    proxy,
    "warn",
  );
};

/** Chunks that were sent apart and arrive together were kept back by somebody. */
const buffering: Check = async ({ host }) => {
  const told = await chunks(host);
  const [first, last] = [told[0], told.at(-1)];
  const sent = first && last ? last.sentAt - first.sentAt : 0;
  const came = first && last ? last.cameAt - first.cameAt : 0;
  return finding(
    "buffering",
    told.length > 1 && came >= sent * BUNCHED,
    [
      "Answers arrive as they are written",
      told.length ? "A proxy holds streams back until they end" : "Event streams do not get through",
    ],
    "Switch response buffering off (nginx: proxy_buffering off) and do not compress text/event-stream.",
    "warn",
  );
};

const clock: Check = async ({ host }) => {
  const told: Chunk | undefined = (await chunks(host))[0];
  const off = told ? Math.abs(Date.now() - performance.now() + told.cameAt - told.sentAt) : Number.NaN;
  const ill = told
    ? `This device's clock is ${Math.round(off / 1000)} seconds off`
    : "This device's clock could not be compared";
  return finding(
    "clock",
    off < SKEW_MS,
    ["This device's clock is right", ill],
    "Set the clock of this device. If your server's clock is off too, the identities that it signs expire early or late.",
    "warn",
  );
};

const storage: Check = async () => {
  let isKept = false;
  try {
    localStorage.setItem(KEY, KEY);
    isKept = localStorage.getItem(KEY) === KEY;
    localStorage.removeItem(KEY);
  } catch {
    // What is to be found out.
  }
  return finding(
    "storage",
    isKept,
    ["This browser keeps conversations", "This browser keeps nothing for this page"],
    "A private window, a setting, or a sandboxed frame: the chat works, but a conversation ends with the page.",
    "warn",
  );
};

export const checks: readonly Check[] = [reach, policy, origin, socket, buffering, clock, storage];
