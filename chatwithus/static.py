"""Static files, answered before Django and its middleware see the request."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI


class StaticFiles(ServeStaticASGI):  # type: ignore[misc]
    """Serves the committed bundles and the admin's files under `/static/`, and the widget at its one-line address."""

    def __init__(self, application: Any) -> None:
        super().__init__(application, allow_all_origins=False, max_age=300, add_headers_function=_headers)
        for folder in _folders():
            self.add_files(folder, prefix=settings.STATIC_URL)
        self.files["/widget.js"] = self.files[f"{settings.STATIC_URL}widget.js"]


def _folders() -> list[str]:
    return [
        storage.location for finder in get_finders() for storage in getattr(finder, "storages", {}).values()
    ]


def _headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if path.endswith("widget.js"):
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
