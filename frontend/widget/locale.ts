/** Which language the widget speaks, and where its words come from. */

import { language, speak } from "./words";

/** The launcher's name, in the bundle: before anything is opened, nothing is fetched. */
const LAUNCHER: Record<string, string> = {
  en: "Open chat",
  de: "Chat öffnen",
  es: "Abrir chat",
  fr: "Ouvrir le chat",
  pt: "Abrir chat",
  ar: "افتح الدردشة",
  hi: "चैट खोलें",
  zh: "打开聊天",
  ja: "チャットを開く",
};

/** The first language asked for that there is; `pt-BR` is `pt`. */
export function choose(...asked: (string | null | undefined)[]): string {
  for (const tag of asked) {
    const known = tag?.toLowerCase().split(/[-_]/)[0] ?? "";
    if (Object.hasOwn(LAUNCHER, known)) return known;
  }
  return "en";
}

export const launcherName = (locale: string): string => LAUNCHER[locale] as string;

export const direction = (locale: string): "rtl" | "ltr" => (locale === "ar" ? "rtl" : "ltr");

/** What was asked for last: an answer that is overtaken is not spoken. */
let wanted = language;

/** Speaks `locale` from here on; where its words cannot be had, English is better than nothing. Resolves to what is spoken. */
export async function learn(host: string, locale: string): Promise<string> {
  wanted = locale;
  if (locale === language) return language;
  if (locale === "en") speak("en", {});
  else
    try {
      const answer = await fetch(`${host}/widget-${locale}.json`, { credentials: "omit" });
      const translated = answer.ok && (await answer.json());
      if (translated && wanted === locale) speak(locale, translated);
    } catch {
      // Blocked or offline: what was spoken before is spoken on.
    }
  return language;
}
