/** The install doctor: says of a page what stands between it and its visitors' chat, and what to do. Loaded by `?chatwithus-debug` and by a staff page. */

import { checks, type Finding, type Patient } from "./checks";
import { Sheet } from "./sheet";

export type { Finding, Patient };

/** One finding after the other, as they are made. */
export async function* examine(patient: Patient): AsyncGenerator<Finding> {
  for (const check of checks)
    yield await check(patient).catch(
      (problem): Finding => ({
        name: "doctor",
        state: "bad",
        title: "A check could not be made",
        advice: String(problem),
      }),
    );
}

export async function show(parent: Element, patient: Patient): Promise<void> {
  const sheet = new Sheet(patient);
  sheet.element.toggleAttribute("data-floating", parent === document.documentElement);
  parent.append(sheet.element);
  for await (const finding of examine(patient)) sheet.add(finding);
  sheet.end();
}
