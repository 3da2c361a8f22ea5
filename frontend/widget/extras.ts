import type { Link } from "./connection";
import { h } from "./dom";
import type { ClosingHooks } from "./extra/main";
import type { Transcript } from "./transcript";
import { words } from "./words";

type Bundle = typeof import("./extra/main");
type Shown = [state: Transcript, link: Link];

/** The bundle `widget-extra.js` of our own host, speaking what is spoken here. */
async function fetched(host: string): Promise<Bundle> {
  const bundle: Bundle = await import(`${host}/widget-extra.js`);
  bundle.speak(words);
  return bundle;
}

/** Room at the end of the conversation for what is asked then; it stays empty until the server offers any of it. */
export class Closing {
  readonly element = h("div");
  readonly #host: string;
  readonly #hooks: ClosingHooks;
  #real: InstanceType<Bundle["Closing"]> | undefined;
  #shown: Shown | undefined;

  constructor(host: string, hooks: ClosingHooks) {
    this.#host = host;
    this.#hooks = hooks;
  }

  update(...shown: Shown): void {
    const isFirst = this.#shown === undefined;
    if (!/csat|email/.test(String(shown[0].offers))) return;
    this.#shown = shown;
    this.#real?.update(...shown);
    if (isFirst) void this.#furnish().catch(() => (this.#shown = undefined));
  }

  async #furnish(): Promise<void> {
    const bundle = await fetched(this.#host);
    this.#real = new bundle.Closing(this.#hooks);
    bundle.dress(this.element.getRootNode() as ShadowRoot);
    // biome-ignore lint/complexity/useLiteralKeys: names that are not quoted are shortened here, and not in that bundle
    this.element.append(this.#real["element"]);
    if (this.#shown) this.#real.update(...this.#shown);
  }
}

export const download = async (host: string, state: Transcript): Promise<void> =>
  (await fetched(host)).download(host, state);
