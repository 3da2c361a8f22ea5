/** A tenant's colour, made legible: whatever is chosen, words on it and words in it keep WCAG's 4.5 to 1. */

type Rgb = readonly [number, number, number];

const LIGHT: Rgb = [255, 255, 255];
const DARK: Rgb = [23, 26, 31];
const ENOUGH = 4.5;
const STEP = 0.06;

/** `#abc` or `#aabbcc`. */
export function parse(color: string): Rgb | undefined {
  const hex = color.replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  if (!/^#[\da-f]{6}$/i.test(hex)) return undefined;
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** Relative luminance, WCAG 2.2. */
function luminance(color: Rgb): number {
  const [r, g, b] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const mix = (color: Rgb, into: Rgb, part: number): Rgb =>
  color.map((value, index) => Math.round(value + ((into[index] ?? 0) - value) * part)) as unknown as Rgb;

const css = (color: Rgb): string => `rgb(${color.join(" ")})`;

/** What is written on `accent`: white or near-black, whichever is easier to read. */
export const onAccent = (accent: Rgb): Rgb =>
  contrast(accent, LIGHT) >= contrast(accent, DARK) ? LIGHT : DARK;

/** `color` as text on `surface`: moved towards white or black until it can be read. */
export function legible(color: Rgb, surface: Rgb): Rgb {
  const towards: Rgb = luminance(surface) > 0.4 ? [0, 0, 0] : LIGHT;
  for (let part = 0; part < 1; part += STEP) {
    const tried = mix(color, towards, part);
    if (contrast(tried, surface) >= ENOUGH) return tried;
  }
  return towards;
}

/** The properties that a tenant's colour sets, over a theme's surface. */
export function accents(color: Rgb, surface: Rgb): Record<string, string> {
  const fill = contrast(color, onAccent(color)) >= ENOUGH ? color : legible(color, LIGHT);
  return {
    "--cwu-accent": css(fill),
    "--cwu-accent-text": css(onAccent(fill)),
    "--cwu-accent-ink": css(legible(color, surface)),
  };
}
