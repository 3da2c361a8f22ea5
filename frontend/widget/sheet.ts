import css from "./styles.css";

/** Under a strict policy too: a constructed sheet asks for no permission, and an older browser's element has the page's nonce. */
export function dress(root: ShadowRoot, nonce: string | undefined): void {
  if (Array.isArray(root.adoptedStyleSheets)) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    return;
  }
  const style = document.createElement("style");
  if (nonce) style.nonce = nonce;
  style.textContent = css;
  root.append(style);
}
