"""A stranger at every route: with each credential of the one tenant and the ids of the other, in each place an id can be.

The second pass repeats what met the Python wall in the first: what asked for nothing that a tenant owns, or is answered by no
view, is answered without that wall as with it."""

from typing import Any, NamedTuple
from uuid import uuid4

from apps.chats.models import Chat
from apps.tenants.hops import hop
from chatwithus.isolation import recipes, walls
from chatwithus.isolation.addresses import Route
from chatwithus.isolation.browser import CSRF, Answer, request
from chatwithus.isolation.canary import DOORS, Canary
from chatwithus.isolation.recipes import Recipe, Ref, spelt
from chatwithus.isolation.scouting import SAFE, Scout, doors_of
from chatwithus.isolation.tally import Tally

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADERS = ("x-tenant", "x-tenant-id", "x-organisation", "x-agent", "x-chat", "x-user", "idempotency-key")


class Call(NamedTuple):
    """What is asked in both passes, whatever the ids are by then."""

    template: str
    method: str
    owner: str
    door: str
    how: str


class Stranger:
    """`own` asks for what `other` has; `scout` knows how `other` is answered well. One for both passes."""

    def __init__(self, application: Any, own: Canary, other: Canary, scout: Scout, tally: Tally) -> None:
        self._application, self._own, self._other = application, own, other
        self._scout, self._tally = scout, tally
        self._extras: dict[str, str] = {}
        self._noticed = walls.Noticed()
        self._apart: set[Call] = set()  # what the Python wall was no part of

    async def try_all(self, routes: list[Route]) -> None:
        self._extras = self._named_ids()
        with walls.python_wall_noticed() as self._noticed:
            await self._try_all(routes)

    async def _try_all(self, routes: list[Route]) -> None:
        for route in routes:
            self._tally.routes.add(route.template)
            known = [one for one in self._scout.recipes if one.route == route]
            for door in dict.fromkeys([*DOORS, *doors_of(route)]):
                for method in _methods(route, door, known):
                    await self._identical(route, method, door, known)
                if door in doors_of(route):
                    await self._beside(route, door, known)
            for recipe in known:
                await self._fields(recipe)

    async def _identical(self, route: Route, method: str, door: str, known: list[Recipe]) -> None:
        """The owner's own call, with the stranger's credentials; where the owner has none, the same address."""
        if door == "operator" and route.is_register:
            return  # the register is the operator's, whichever tenant they have entered
        for recipe in [one for one in known if one.method == method] or [_bare(route, method, known)]:
            body = self._unmarked(recipe.body.made_for(self._other)) if recipe.body else b""
            await self._ask(
                recipe,
                door,
                "identical",
                recipe.path(self._other),
                body=body,
                is_foreign=recipe.is_about_rows or bool(recipe.body and recipe.body.slots),
            )

    async def _beside(self, route: Route, door: str, known: list[Recipe]) -> None:
        """The stranger's own call, with the other's ids in the query, in headers, and as fields that nobody asked for."""
        if door == "operator" and route.is_register:
            return
        for recipe in [one for one in known if one.door == door] or known[:1]:
            own = recipe.path(self._own)
            names = self._scout.questions(route, recipe.method)
            extras = {
                name: value
                for name, value in self._extras.items()
                if door != "operator" or not name.startswith("user")
            }
            asked = {name: extras[name] for name in names if name in extras}
            for how, told in ("asked", asked), ("extras", extras):
                query = "&".join(f"{name}={value}" for name, value in told.items())
                if query:
                    await self._ask(recipe, door, how, own, query=query, body=self._own_body(recipe))
            headers = dict.fromkeys(HEADERS, str(self._other.tenant.id))
            answer = await self._ask(
                recipe, door, "headers", own, headers=headers, body=self._own_body(recipe)
            )
            if recipe.door == door and recipe.method == "GET" and answer and not answer.is_good:
                self._tally.miss(
                    f"GET {route.path} as {door}", f"refused a stranger's own call: {answer.status}"
                )
            if recipe.body is not None:
                added = extras | {"role": "owner", "is_superuser": "true"}
                await self._ask(recipe, door, "added", own, body=self._own_body(recipe, added=added))

    async def _fields(self, recipe: Recipe) -> None:
        """The stranger's own call, with one id of the other's in its body; and at the address of every other kind of row, which
        only a view of ours could mistake: to PostgreSQL there is no such row."""
        for name, model in recipe.body.slots if recipe.body else ():
            swapped = {name: Ref(model).of(self._other)}
            body = self._unmarked(recipe.body.made_for(self._own, swapped=swapped)) if recipe.body else b""
            await self._ask(
                recipe, recipe.door, f"field {name}", recipe.path(self._own), body=body, is_foreign=True
            )
        if recipe.is_about_rows and recipe.door != "operator" and self._tally.has_both_walls:
            for model, row in self._other.rows.items():
                values = {
                    name: str(row.pk) if isinstance(value, Ref) else spelt(value, self._own)
                    for name, value in recipe.values.items()
                }
                how = f"at {model._meta.label}"
                await self._ask(recipe, recipe.door, how, recipe.route.filled(values), is_foreign=True)

    async def _ask(
        self,
        recipe: Recipe,
        door: str,
        how: str,
        path: str,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        is_foreign: bool = False,
    ) -> Answer | None:
        """None where nothing is to be learned from asking without the Python wall."""
        call = Call(recipe.route.template, recipe.method, recipe.door, door, how)
        if call in self._apart and not self._tally.has_both_walls:
            return None
        before = self._noticed.times
        brought = (
            {"cookie": f"csrftoken={CSRF}", "x-csrftoken": CSRF}
            | self._own.headers(door)
            | recipe.headers()
            | (headers or {})
        )
        answer = await request(
            self._application, recipe.method, path, headers=brought, query=query, body=body
        )
        if self._noticed.times == before or answer.status == 405:
            self._apart.add(call)
        if is_foreign and answer.place and recipe.is_about_rows and not (recipe.body and recipe.body.slots):
            is_foreign = not await self._is_blind(recipe, brought, body, answer)
        self._judge(f"{recipe.method} {recipe.route.path} as {door}", recipe, door, answer, is_foreign)
        if recipe.method not in SAFE and (answer.is_good or answer.is_signed_out):
            await hop(self._own.renew)()
            if answer.is_good and recipe.is_about_rows and path == recipe.path(self._own):
                await hop(self._own.a_set_of_few)()
        return answer

    async def _is_blind(self, recipe: Recipe, brought: dict[str, str], body: bytes, answer: Answer) -> bool:
        """Whether it sends on like this also with an id of nobody's, and so without looking at what it is about."""
        nobodys = {
            name: str(uuid4()) if isinstance(value, Ref) else spelt(value, self._own)
            for name, value in recipe.values.items()
        }
        path = recipe.route.filled(nobodys)
        other = await request(self._application, recipe.method, path, headers=brought, body=body)
        return (other.status, other.leads_to) == (answer.status, answer.leads_to)

    def _judge(self, what: str, recipe: Recipe, door: str, answer: Answer, is_foreign: bool) -> None:
        self._tally.probes += 1
        said = answer.body + repr(answer.headers).encode() + repr(answer.cookies).encode()
        if any(mark.encode() in said for mark in self._other.marks(door)):
            self._tally.leak(f"{what}: shows what is {self._other.tenant.slug}'s")
        elif (
            is_foreign
            and answer.is_good
            and recipe.status
            and recipe.method not in {"HEAD", "OPTIONS"}
            and (answer.status, answer.leads_to) == (recipe.status, recipe.leads_to)
        ):
            self._tally.leak(f"{what}: takes an id of {self._other.tenant.slug}'s ({answer.status})")
        elif answer.status == 429 or (answer.status in {0, 500, 502, 504} and self._tally.has_both_walls):
            self._tally.miss(what, f"was answered {answer.status}")

    def _unmarked(self, body: bytes) -> bytes:
        """The other's ids without the other's words, which the answer may repeat."""
        own, other = self._own, self._other
        return body.replace(other.marker.encode(), own.marker.encode()).replace(
            other.name.encode(), own.name.encode()
        )

    def _own_body(self, recipe: Recipe, added: dict[str, str] | None = None) -> bytes:
        return self._unmarked(recipe.body.made_for(self._own, added=added)) if recipe.body else b""

    def _named_ids(self) -> dict[str, str]:
        """Every name that an id of the other's could go by."""
        found = {
            "tenant": str(self._other.tenant.id),
            "tenant_id": str(self._other.tenant.id),
            "user": str(self._other.user.pk),
        }
        for name, model in recipes.names().items():
            if model in self._other.rows:
                found |= dict.fromkeys((name, f"{name}_id"), str(self._other.rows[model].pk))
        chat = self._other.rows[Chat]
        return {"id": str(chat.pk), "pk": str(chat.pk), **found}


def _methods(route: Route, door: str, known: list[Recipe]) -> list[str]:
    """Every one through the doors that lead here; through the others those by which something can be had."""
    if door in doors_of(route):
        return list(METHODS)
    return ["GET"] if route.is_register else sorted({"GET", "POST", *(one.method for one in known)})


def _bare(route: Route, method: str, known: list[Recipe]) -> Recipe:
    """A method that the owner does not use, at an address that exists where one is known."""
    if known:
        return Recipe(route, method, "", known[0].values, None, 0, "")
    if all(kind.isidentifier() and kind != "int" for kind in route.parameters.values()):
        return Recipe(route, method, "", {name: Ref(Chat) for name in route.parameters}, None, 0, "")
    return Recipe(route, method, "", dict.fromkeys(route.parameters, "1"), None, 0, "")
