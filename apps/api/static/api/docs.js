// The routes, and the demo's key filled in where the page has one.
const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
const key = read("key");
const ui = SwaggerUIBundle({
  spec: read("document"),
  dom_id: "#routes",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  onComplete: () => key && ui.preauthorizeApiKey("ByKey", key),
});
