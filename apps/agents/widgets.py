"""How an agent's widget looks and what it offers: changed by staff, in effect at once, and written down."""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction

from apps.agents.models import Agent, Offer, Widget
from apps.tenants import audit, pictures

SETTINGS = ("color", "theme", "position", "radius", "title", "launcher", "offers")
LARGEST_RADIUS, LONGEST_TITLE = 24, 60
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class BadLook(ValueError):
    """This cannot hold; `field` is one of SETTINGS, or `avatar`."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def of(agent: Agent) -> Widget:
    """As it is kept, or as it is before anybody changed it, and then not saved."""
    return Widget.objects.filter(agent=agent).first() or Widget(agent=agent)


def change(agent: Agent, **settings: Any) -> Widget:
    """Set some of SETTINGS. Raises BadLook."""
    assert set(settings) <= set(SETTINGS), settings
    wanted = {field: _CHECKS[field](value) for field, value in settings.items()}
    with transaction.atomic():
        widget = _locked(agent)
        changed = {field: value for field, value in wanted.items() if getattr(widget, field) != value}
        if changed:
            facts: dict[str, Any] = {
                field: [getattr(widget, field), value] for field, value in changed.items()
            }
            audit.note("widget.changed", agent, **facts)
            for field, value in changed.items():
                setattr(widget, field, value)
            widget.save()
    return widget


def keep_avatar(agent: Agent, image: bytes | None) -> Widget:
    """In place of the one before, or none. Raises BadLook."""
    try:
        image = None if image is None else pictures.check(image)
    except pictures.BadPicture as refused:
        raise BadLook(str(refused), "avatar") from refused
    with transaction.atomic():
        widget = _locked(agent)
        audit.note("widget.avatar_changed" if image else "widget.avatar_removed", agent)
        widget.avatar = image
        widget.save()
    return widget


def _locked(agent: Agent) -> Widget:
    Widget.objects.get_or_create(agent=agent)
    return Widget.objects.select_for_update().get(agent=agent)


def _color(value: str) -> str:
    if value and not _COLOR.fullmatch(value):
        raise BadLook("Write the colour as #rrggbb, such as #2b57c9.", "color")
    return value.lower()


def _radius(value: int) -> int:
    if not 0 <= value <= LARGEST_RADIUS:
        raise BadLook(f"Enter a whole number from 0 to {LARGEST_RADIUS}.", "radius")
    return value


def _title(value: str) -> str:
    if len(value) > LONGEST_TITLE or "\0" in value:
        raise BadLook(f"Shorten it to {LONGEST_TITLE} characters.", "title")
    return value.strip()


def _offers(value: list[str]) -> list[str]:
    if unknown := set(value) - set(Offer.values):
        raise BadLook(f"Nothing called {min(unknown)!r} can be offered.", "offers")
    return [offer for offer in Offer.values if offer in value]


def _one_of(field: str, known: list[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in known:
            raise BadLook(f"Choose one of {', '.join(known)}.", field)
        return value

    return check


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "color": _color,
    "theme": _one_of("theme", Widget.Theme.values),
    "position": _one_of("position", Widget.Position.values),
    "radius": _radius,
    "title": _title,
    "launcher": _one_of("launcher", Widget.Launcher.values),
    "offers": _offers,
}
