"""What a page of HTML offers: its links, and its forms with what a person would send by pressing their button."""

import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

Attributes = list[tuple[str, str | None]]


@dataclass
class Form:
    """`fields` holds what would be sent; `choices` other values of its lists; `blank` names what is empty, with its kind,
    and `required` what must not be."""

    action: str
    method: str = "post"
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    blank: dict[str, str] = field(default_factory=dict)
    boxes: list[tuple[str, str]] = field(default_factory=list)
    required: set[str] = field(default_factory=set)

    def needed(self) -> list[tuple[str, str]]:
        """With something where a person has to type, and no more."""
        typed = {name: _typed(kind) for name, kind in self.blank.items() if name in self.required}
        return [(name, value or typed.get(name, value)) for name, value in self.fields]

    def filled(self, *, ticked: bool = False) -> list[tuple[str, str]]:
        """With something sensible where a person would have to type, and every box ticked on demand."""
        typed = {name: _typed("url" if name.endswith("url") else kind) for name, kind in self.blank.items()}
        known = [(name, value or typed.get(name, value)) for name, value in self.fields]
        chosen = [(name, values[0]) for name, values in self.choices.items() if name not in dict(known)]
        return known + chosen + (self.boxes if ticked else [])


def _typed(kind: str) -> str:
    chance = secrets.token_hex(4)
    return {
        "email": f"{chance}@canary.invalid",
        "number": "5",
        "url": "https://canary.invalid",
        "password": chance * 3,
    }.get(kind, f"Canary {chance}")


class Page(HTMLParser):
    """`links` are paths; `forms` in their order."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.forms: list[Form] = []
        self._path = path
        self._form: Form | None = None
        self._list: tuple[str, list[str], list[str]] | None = None
        self._area: str | None = None
        self._words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Attributes) -> None:
        given = {name: value or "" for name, value in attributes}
        for name in ("href", "hx-get", "data-url"):
            if given.get(name, "").startswith("/"):
                self.links.add(given[name].partition("?")[0].partition("#")[0])
        for name in ("hx-post", "hx-put", "hx-delete", "hx-patch"):
            if name in given:
                self.forms.append(Form(given[name], name.removeprefix("hx-")))
        if tag == "form":
            self._form = Form(
                urljoin(self._path, given.get("action") or self._path), given.get("method", "get").lower()
            )
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(self._form, tag, given, "selected" in given)

    def _field(self, form: Form, tag: str, given: dict[str, str], is_selected: bool) -> None:
        name = given.get("name", "")
        if "required" in given:
            form.required.add(name)
        if tag == "select" and name:
            self._list = (name, [], [])
        elif tag == "option" and self._list:
            _, others, selected = self._list
            (selected if is_selected else others).append(given.get("value", ""))
        elif tag == "textarea" and name:
            self._area, self._words = name, ""
        elif tag in {"input", "button"} and name:
            _input(form, name, given)

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select" and self._list and self._form:
            name, others, selected = self._list
            self._form.choices[name] = [one for one in selected + others if one]
            self._form.fields += [(name, value) for value in selected if value]
            self._list = None
        elif tag == "textarea" and self._area is not None and self._form:
            self._form.fields.append((self._area, self._words.removeprefix("\n")))
            if not self._words.strip():
                self._form.blank[self._area] = "text"
            self._area = None


_OF_THE_MOMENT = {"csrfmiddlewaretoken", "shown"}  # true of the page as it was read, and soon of no other


def _input(form: Form, name: str, given: dict[str, str]) -> None:
    is_number = given.get("inputmode") in {"numeric", "decimal"}
    is_address = given.get("inputmode") == "url"
    kind = "number" if is_number else "url" if is_address else given.get("type", "text")
    if name in _OF_THE_MOMENT or kind in {"file", "image", "reset"}:
        return
    if kind in {"checkbox", "radio"}:
        form.choices.setdefault(name, []).append(given.get("value", "on"))
        pair = (name, given.get("value", "on"))
        if "checked" in given:
            form.fields.append(pair)
        elif kind == "checkbox":
            form.boxes.append(pair)
            form.choices.pop(name)  # an unticked box sends nothing
        return
    form.fields.append((name, given.get("value", "")))
    if not given.get("value"):
        form.blank[name] = kind
