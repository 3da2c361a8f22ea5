/** The widget on its own settings page shows what is being chosen. */
export function showLook(): void {
  const form = document.getElementById("look");
  if (!(form instanceof HTMLFormElement)) return;
  const show = () => {
    const widget = document.querySelector<HTMLElement>("chat-with-us");
    for (const input of form.querySelectorAll<HTMLInputElement>("[data-look]")) {
      const { look = "" } = input.dataset;
      if (input.type === "radio" && !input.checked) continue;
      const value = input.value.trim();
      if (widget && value) widget.setAttribute(`data-${look}`, value);
      else widget?.removeAttribute(`data-${look}`);
    }
  };
  form.addEventListener("input", show);
  void customElements.whenDefined("chat-with-us").then(show);
}
