/** `<time>` in the reader's own zone: the age of what is recent, with the full date at hand. */

import { setText } from "./page";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {
  style: "short",
  numeric: "auto",
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const clockTime = (iso: string): string => clock.format(new Date(iso));

export function age(iso: string, now: number): string {
  const passed = now - Date.parse(iso);
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return relative.format(-Math.floor(passed / MINUTE), "minute");
  if (passed < DAY) return relative.format(-Math.floor(passed / HOUR), "hour");
  return short.format(new Date(iso));
}

/** How long somebody has been waiting. */
export function waited(iso: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(iso)) / MINUTE);
  if (minutes < 1) return "under 1 min";
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const FORMS: Record<string, (when: Date, now: number) => string> = {
  full: (when) => full.format(when),
  moment: (when, now) =>
    when.toDateString() === new Date(now).toDateString() ? minute.format(when) : full.format(when),
};

export function showTime(element: HTMLTimeElement, now = Date.now()): void {
  const when = new Date(element.dateTime);
  if (Number.isNaN(when.getTime())) return;
  element.title = full.format(when);
  const form = FORMS[element.dataset.time ?? ""];
  setText(element, form ? form(when, now) : age(element.dateTime, now));
}

export function keepTimes(): void {
  const show = () => {
    for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-time]")) showTime(element);
  };
  show();
  window.setInterval(show, MINUTE / 2);
  document.addEventListener("htmx:afterSettle", show);
}
