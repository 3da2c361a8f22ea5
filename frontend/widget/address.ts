/** Addresses that strangers wrote: only what opens in a browser or a mail program, never what runs here or calls home by itself. */

const PAGES = /^https?:$/;
const LINKS = /^(https?|mailto|tel):$/;

function parse(url: string, allowed: RegExp): string | undefined {
  try {
    const { protocol, href } = new URL(url);
    return allowed.test(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}

/** Only the web: no `javascript:`, `data:` or schemes that open other programs. */
export const webAddress = (url: string | null | undefined): string | undefined =>
  url ? parse(url, PAGES) : undefined;

export const linkAddress = (url: string): string | undefined => parse(url, LINKS);

const TERMS = 5;
const encode = (text: string): string => encodeURIComponent(text).replace(/-/g, "%2D");

/** The page scrolled to the words that were quoted, where the browser can (a text fragment of the URL). */
export function quotedAddress(url: string | null | undefined, quote: string): string | undefined {
  const page = webAddress(url);
  const words = quote.trim().split(/\s+/).filter(Boolean);
  if (!page || words.length < 2) return page;
  const from = encode(words.slice(0, TERMS).join(" "));
  const to = words.length > 2 * TERMS ? `,${encode(words.slice(-TERMS).join(" "))}` : "";
  const whole = words.length > 2 * TERMS ? from : encode(words.join(" "));
  return `${page}${page.includes("#") ? "" : "#"}:~:text=${whole}${to}`;
}

/** What every link of ours carries: the page it leads to learns nothing of this one, and has no hand on it. */
export const OUTWARD = { target: "_blank", rel: "noopener noreferrer nofollow ugc" } as const;
