"""How the owner is answered well at every route: the identical calls that must be refused to a stranger are made of this.

Pages are read as a person would: their links and forms say what can be sent. The API says it in its document."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from django.urls import Resolver404, resolve

from apps.tenants.hops import hop
from chatwithus.isolation import recipes
from chatwithus.isolation.addresses import Route
from chatwithus.isolation.browser import Answer, request
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.pages import Form, Page
from chatwithus.isolation.recipes import Body, Recipe, Ref
from chatwithus.isolation.tally import Tally

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_TRIES = 120
SAFE = {"GET", "HEAD", "OPTIONS"}

# Where even the owner cannot be answered well, and why; strangers try these all the same.
NO_CONTROL = {
    "POST /console/login/": "takes a name and a password, which are secrets and no ids; and a canary has none",
    "GET /console/login/code/": "needs somebody who is half way in",
    "POST /console/login/code/": "needs a code that only a phone shows",
    "POST /console/account/": "needs a code that only a phone shows, and takes no id: it is about whoever is signed in",
    "POST /console/account/codes/": "needs a code that only a phone shows, and takes no id",
    "POST /console/account/off/": "needs a code that only a phone shows, and takes no id",
    "POST /console/account/password/": "needs the old password, and takes no id",
    "POST /console/account/picture/": "needs a picture, and takes no id: it is about whoever is signed in",
    "GET /console/join/": "needs the link of an invitation, which is a secret and no id",
    "POST /console/join/": "needs the link of an invitation, which is a secret and no id",
    "GET /console/join/{signed}/": "needs the link of an invitation, which is a secret and no id",
    "GET /avatars/{signed}": "needs an address that the server has signed; the picture is for everybody",
    "GET /": "the demo shop: 404 where no demo was opened",
    "POST /": "the demo shop: 404 where no demo was opened",
    "GET /api/v1/": "the API's address: 404",
}


class Scout:
    """Finds a `Recipe` for every route and method by being answered well as this canary."""

    def __init__(self, application: Any, canary: Canary, tally: Tally) -> None:
        self._application, self._canary, self._tally = application, canary, tally
        self._known = recipes.names()
        self._links: dict[str, set[tuple[tuple[str, str], ...]]] = {}
        self._forms: dict[str, list[tuple[dict[str, Any], Form]]] = {}
        self._document: dict[str, Any] | None = None
        self.recipes: list[Recipe] = []

    async def explore(self, routes: list[Route]) -> None:
        """First all that is read, then all that changes something; each twice, since pages lead to pages, and some deeds to others."""
        for is_safe in (True, True, False, False):
            for route in routes:
                await self._explore(
                    route, [method for method in _methods(route) if (method in SAFE) is is_safe]
                )

    async def _explore(self, route: Route, methods: list[str]) -> None:
        known = {(one.route, one.method) for one in self.recipes}
        for method in methods:
            if (route, method) in known or f"{method} {route.path}" in NO_CONTROL:
                continue
            refusals: set[str] = set()
            likeliest, *others = doors_of(route)
            await self._try(route, method, likeliest, refusals)
            for door in others:
                await self._try(route, method, door, set())
            self._conclude(route, method, refusals)

    def _conclude(self, route: Route, method: str, refusals: set[str]) -> None:
        name = f"{method} {route.path}"
        if any((one.route, one.method) == (route, method) for one in self.recipes):
            self._tally.uncovered.pop(name, None)
        elif refusals and refusals <= ({"403", "405"} if route.is_admin else {"405"}):
            self._tally.closed.add(name)  # nobody may, not even the owner
        elif route.is_register:
            return  # it holds nothing of a tenant's; that only operators come in is tried like everything
        else:
            self._tally.miss(
                name, f"its owner is not answered well: {', '.join(sorted(refusals)) or 'nothing to try'}"
            )

    async def _try(self, route: Route, method: str, door: str, refusals: set[str]) -> None:
        for values, body in islice(self._attempts(route, method, refusals), MOST_TRIES):
            recipe = Recipe(route, method, door, values, body, 0, "")
            answer = await self._ask(recipe)
            if _is_well(route, answer):
                self.recipes.append(Recipe(route, method, door, values, body, answer.status, answer.leads_to))
                self._read(recipe, answer)
                if method not in SAFE:
                    await hop(self._canary.renew)()
                    await hop(self._canary.another_set)()
                return
            refusals.add("turned away" if answer.is_turned_away else str(answer.status))
            if method not in SAFE and answer.is_turned_away:
                await hop(self._canary.renew)()  # who signs out has to come in again
            if answer.is_turned_away or answer.status in {401, 403, 405}:
                return  # whatever the ids are

    async def repeat(self) -> None:
        """Every call once more, in its order, since some deeds lead to others; what then fails is tried on fresh rows."""
        left = [recipe for recipe in self.recipes if not await self._is_answered_again(recipe)]
        for recipe in left:
            await hop(self._canary.start_afresh)(1)
            if not await self._is_answered_again(recipe):
                name = f"{recipe.method} {recipe.route.path} as {recipe.door}"
                self._tally.miss(name, "its owner is not answered well with one wall")

    async def _is_answered_again(self, recipe: Recipe) -> bool:
        answer = await self._ask(recipe)
        if recipe.method not in SAFE:
            await hop(self._canary.renew)()
            await hop(self._canary.another_set)()
        return _is_well(recipe.route, answer)

    async def _ask(self, recipe: Recipe) -> Answer:
        canary = self._canary
        self._tally.probes += 1
        return await request(
            self._application,
            recipe.method,
            recipe.path(canary),
            headers=canary.headers(recipe.door) | recipe.headers(),
            body=recipe.body.made_for(canary) if recipe.body else b"",
        )

    def _attempts(
        self, route: Route, method: str, refusals: set[str]
    ) -> Iterator[tuple[dict[str, Any], Body | None]]:
        for named, body in [({}, None)] if method in SAFE else self._bodies(route, method, refusals):
            if route.parameters and set(named) >= set(route.parameters):
                yield named, body
            else:
                yield from ((values, body) for values in self._values(route))

    def _values(self, route: Route) -> Iterator[dict[str, Any]]:
        """What the parameters of an address may be, the likeliest first."""
        for link in self._links.get(route.template, ()):
            named = {name: self._named(value) for name, value in link}
            if not any(map(recipes.is_id, named.values())):
                yield named
        candidates = [list(self._candidates(route, name, kind)) for name, kind in route.parameters.items()]
        for chosen in product(*candidates):
            yield dict(zip(route.parameters, chosen, strict=True))

    def _candidates(self, route: Route, name: str, kind: str) -> Iterator[Any]:
        if route.admin_model is not None:
            yield Ref(route.admin_model)
            return
        if not kind.isidentifier():
            yield from kind.strip("()").replace("?:", "").split("|")
            return
        if "uuid" not in kind:
            yield from (Ref(model, name) for model in self._canary.rows if name in _fields(model))
            yield from ("builtin", "openai", "ollama", "bedrock")
        likely = [guess for guess in (recipes.guess(name, self._known), *self._around(route)) if guess]
        yield from (Ref(model) for model in dict.fromkeys([*likely, *self._canary.rows]))

    def _around(self, route: Route) -> Iterator[Any]:
        """What the words of the address mean, the last first."""
        for word in reversed([part for part in route.path.split("/") if part and "{" not in part]):
            yield recipes.guess(word, self._known)

    def _bodies(
        self, route: Route, method: str, refusals: set[str]
    ) -> Iterator[tuple[dict[str, Any], Body | None]]:
        """Each with what it says of the address."""
        if route.operations:
            yield from self._told(route, method, refusals)
            return
        for named, form in self._forms.get(route.template, []):
            if form.method.upper() == method:
                for fields in (form.fields, form.needed(), form.filled(), form.filled(ticked=True)):
                    yield (
                        named,
                        Body(
                            FORM, [(name, self._named(value)) for name, value in fields], self._canary.marker
                        ),
                    )
        yield {}, Body(FORM, [])

    def _told(
        self, route: Route, method: str, refusals: set[str]
    ) -> Iterator[tuple[dict[str, Any], Body | None]]:
        """Bodies from the OpenAPI document: its examples, then what its schema allows."""
        content = self._operation(route, method).get("requestBody", {}).get("content", {})
        if not content:
            yield {}, None
        kind = JSON if JSON in content else next(iter(content), JSON)
        media = content.get(kind, {})
        examples = [one["value"] for one in media.get("examples", {}).values() if "value" in one]
        for example in [*examples, *([media["example"]] if "example" in media else [])]:
            try:
                yield {}, Body(JSON, recipes.templated(example, self._known), self._canary.marker)
            except LookupError as error:
                refusals.add(str(error))
        if "schema" in media:
            try:
                yield (
                    {},
                    Body(
                        JSON,
                        recipes.sampled(media["schema"], self._document or {}, self._known),
                        self._canary.marker,
                    ),
                )
            except LookupError as error:
                refusals.add(str(error))

    def _operation(self, route: Route, method: str) -> dict[str, Any]:
        if self._document is None:
            self._document = dict(route.operations[0].api.get_openapi_schema())
        found: dict[str, Any] = self._document["paths"].get(route.path, {}).get(method.lower(), {})
        return found

    def questions(self, route: Route, method: str) -> list[str]:
        """The names of an operation's query parameters."""
        told = self._operation(route, method).get("parameters", []) if route.operations else []
        return [one["name"] for one in told if one.get("in") == "query"]

    def _read(self, recipe: Recipe, answer: Answer) -> None:
        """Remember what a page leads to."""
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return
        page = Page(recipe.path(self._canary), answer.text)
        for link in page.links:
            self._note(link)
        for form in page.forms:
            if (found := _resolved(form.action)) and recipe.door == "session":
                named = {name: self._named(value) for name, value in found[1].items()}
                if any(map(recipes.is_id, named.values())):
                    continue  # about a row that was not planted, which a stranger would have no counterpart for
                self._forms.setdefault(found[0], []).append((named, form))
            elif found and recipe.route.admin_model and not recipe.route.is_register:
                self._forms.setdefault(recipe.route.template, []).append((recipe.values, form))

    def _note(self, link: str) -> None:
        if (found := _resolved(link)) and found[1]:
            self._links.setdefault(found[0], set()).add(tuple(found[1].items()))

    def _named(self, value: str) -> Any:
        """An id of one of our rows by its model; other texts as they are."""
        model = self._canary.ids.get(value)
        return Ref(model) if model else value


def doors_of(route: Route) -> tuple[str, ...]:
    """Who comes here, who is likeliest first."""
    if route.path.startswith("/api/"):
        return ("key", "visitor", "nobody")
    if route.path == "/metrics":
        return ("scraper", "nobody")
    return ("operator", "nobody") if route.is_admin else ("session", "nobody")


def _methods(route: Route) -> list[str]:
    """What an owner does here: what the API says, or reading a page and sending its form. Of the operator's register, reading
    alone: changing it is what operators are for."""
    if route.operations:
        return sorted({method for one in route.operations for method in one.methods})
    is_read = route.is_register or route.path.startswith("/api/")
    return ["GET"] if is_read else ["GET", "POST"]


def _is_well(route: Route, answer: Answer) -> bool:
    """Signing out sends to where strangers are sent. The admin sends those who ask for what is not there to its first page."""
    is_lost = route.is_admin and answer.place == "/admin/"
    return (answer.is_good or answer.is_signed_out) and not is_lost


def _fields(model: Any) -> set[str]:
    return {field.name for field in model._meta.concrete_fields}


def _resolved(path: str) -> tuple[str, dict[str, str]] | None:
    try:
        match = resolve(path)
    except (Resolver404, ValueError):
        return None
    return match.route, {name: str(value) for name, value in match.kwargs.items()}
