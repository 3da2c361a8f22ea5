/** The install doctor on its staff page, and the way to it on a page of one's own. */
export function examineInstall(): void {
  const room = document.getElementById("install-doctor");
  if (!room) return;
  void examine(room);
  document.getElementById("check-page")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value } = document.getElementById("page-address") as HTMLInputElement;
    const page = new URL(value);
    page.searchParams.set("chatwithus-debug", "");
    window.open(page, "_blank", "noopener");
  });
}

async function examine(room: HTMLElement): Promise<void> {
  const { host = "", agent = "" } = room.dataset;
  try {
    const { show } = await import(`${host}/widget-doctor.js`);
    room.textContent = "";
    await show(room, { host, agent });
  } catch {
    room.textContent = "The checks could not be loaded. Reload this page.";
  }
}
