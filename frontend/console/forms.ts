import { setText } from "./page";

/** Dialogs that ask first, buttons that say they are at work, and secrets that are copied. */
export function tendForms(): void {
  document.addEventListener("click", ({ target }) => {
    const opener = target instanceof Element ? target.closest<HTMLElement>("[data-dialog]") : null;
    const dialog = opener && document.getElementById(opener.dataset.dialog ?? "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
    const copier = target instanceof Element ? target.closest("[data-copy]") : null;
    if (copier) void copied(copier);
  });
  document.addEventListener("submit", submitted);
  window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

async function copied(button: Element): Promise<void> {
  const text = button.previousElementSibling?.textContent ?? "";
  await navigator.clipboard?.writeText(text).then(
    () => setText(button, "Copied"),
    () => undefined, // the browser forbids it; the text can be selected
  );
}

/** A form goes out once, however often its button is pressed. */
function submitted(event: SubmitEvent): void {
  const { target: form, submitter } = event;
  if (!(form instanceof HTMLFormElement) || form.method === "dialog") return;
  if (form.dataset.sent !== undefined) return event.preventDefault();
  form.dataset.sent = "";
  submitter?.setAttribute("aria-disabled", "true");
  if (submitter?.dataset.busy) submitter.textContent = submitter.dataset.busy;
}
