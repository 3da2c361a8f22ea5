"""Static files, answered before Django and its middleware see the request."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI

WIDGET_CACHE = "public, max-age=300, stale-while-revalidate=604800"


class StaticFiles(ServeStaticASGI):  # type: ignore[misc]
    """Serves the committed bundles and the admin's files under `/static/`, and the widget, with what it may
    fetch later, at the root. Pages use it from their cache for a week, while the browser asks whether it is still the same."""

    def __init__(self, application: Any) -> None:
        super().__init__(application, allow_all_origins=False, max_age=300, add_headers_function=_headers)
        for folder in _folders():
            self.add_files(folder, prefix=settings.STATIC_URL)
        bundle = f"{settings.STATIC_URL}widget"
        for name in [name for name in self.files if name.startswith(bundle)]:
            self.files["/" + name.removeprefix(settings.STATIC_URL)] = self.files[name]


def _folders() -> list[str]:
    return [
        storage.location for finder in get_finders() for storage in getattr(finder, "storages", {}).values()
    ]


def _headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if Path(path).name.startswith("widget"):
        headers["Cache-Control"] = WIDGET_CACHE
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
