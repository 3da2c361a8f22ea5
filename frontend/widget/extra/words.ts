/** The words of this bundle; a translation has them together with the others. */

import en from "./en.json";

export let words: typeof en = en;

export function speak(translated: object): void {
  words = { ...en, ...translated };
}
