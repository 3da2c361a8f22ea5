/** Every word the widget says of its own accord. English is in the bundle; other languages are files of their own (locale.ts). */

import en from "./locales/en.json";

export type Words = typeof en;

export let words: Words = en;
export let language = "en";

/** A word that a language does not have yet is said in English. */
export function speak(locale: string, translated: Partial<Words>): void {
  language = locale;
  words = { ...en, ...translated };
}

/** `{name}` in the text becomes its value. */
export const fill = (text: string, values: Record<string, string | number>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(language) : (value ?? whole);
  });

type Counted = "unread" | "over";

/** The form of a word that goes with this number in this language. */
export function counted(word: Counted, count: number): string {
  const form = `${word}_${new Intl.PluralRules(language).select(count)}`;
  const forms = words as Partial<Record<string, string>>;
  return fill(forms[form] ?? words[`${word}_other`], { count });
}

const of = (prefix: string, code: string): string | undefined =>
  (words as Partial<Record<string, string>>)[`${prefix}_${code}`];

export const stopped = (reason = ""): string => of("stop", reason) ?? words.stopped;

/** Codes of the minds behind an agent carry a prefix. */
export const answerProblem = (code: string): string =>
  of("problem", code.replace(/^provider_/, "")) ?? words.unfinished;

/** The server's own sentence helps only where we have none, and only who reads English. */
export const problem = (code: string, detail: string | undefined, otherwise: string): string =>
  of("problem", code) ?? (detail && detail.length <= 200 && language === "en" ? detail : otherwise);
