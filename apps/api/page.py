"""The documentation page: how to begin, then every route. Where a demo is open it is filled with the demo's agent and key."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from apps.api.document import filled
from apps.api.reference import standins


class Page(DocsBase):
    """Everything on it is served from here: no other host is asked."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **options: Any) -> HttpResponse:
        demo = _demo()
        document = api.get_openapi_schema(path_params=options)
        context = {
            "url": settings.PUBLIC_URL,
            "agent": demo.get("agent", "AGENT_ID"),
            "key": demo.get("api_key", standins.KEY),
            "question": standins.QUESTION,
            "is_demo": bool(demo),
            "document": filled(document, agent=demo.get("agent", standins.AGENT)),
        }
        return render(request, "api/docs.html", context)


def _demo() -> dict[str, str]:
    """What `open_demo` has kept beside the data; nothing on an installation without a demo."""
    try:
        kept = json.loads((settings.DATA_DIR / "demo.json").read_text(encoding="utf-8"))
        return {name: str(kept[name]) for name in ("agent", "api_key")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
