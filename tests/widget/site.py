"""A website of somebody else, on an origin of its own, with the one line in it: as its owner would have it served."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINE = '<script async src="{host}/widget.js" data-agent="{agent}"{settings}></script>'
PAGE = """<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><main><h1>A shop</h1>{body}</main></body></html>"""
STRICT = "default-src 'none'; script-src {host}; connect-src {host} {socket}; img-src {host}"


@dataclass
class Site:
    """Its pages by path: each is a whole document and the headers beside it."""

    host: str
    agent: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                html, headers = site.pages.get(self.path.partition("?")[0], ("", {}))
                self.send_response(200 if html else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def strict(self) -> dict[str, str]:
        """The policy that docs promise to be enough, and nothing else."""
        policy = STRICT.format(host=self.host, socket=self.host.replace("http", "ws"))
        return {"Content-Security-Policy": policy}

    def page(
        self,
        path: str = "/",
        *,
        head: str = "",
        body: str = "",
        settings: str = "",
        lang: str = "en",
        headers: dict[str, str] | None = None,
    ) -> str:
        """Put a page there; returns its address."""
        line = LINE.format(host=self.host, agent=self.agent, settings=f" {settings}" if settings else "")
        direction = "rtl" if lang == "ar" else "ltr"
        self.pages[path] = (
            PAGE.format(lang=lang, dir=direction, head=head, body=body + line),
            headers or {},
        )
        return self.origin + path

    def close(self) -> None:
        self._server.shutdown()
