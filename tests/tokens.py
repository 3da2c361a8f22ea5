"""JWTs as a tenant's own server signs them, and as it never would."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt

from tests.world import House

SECRET = "b1946ac92492d2347c6235b4d2611184-identity"


def vouching(house: House, secret: str = SECRET) -> House:
    """The same house, which can vouch for its visitors."""
    house.tenant.keep_identity_secret(secret)
    return house


def claims(house: House, **changed: Any) -> dict[str, Any]:
    told = {"sub": "customer-7", "aud": str(house.tenant.id), "exp": int(time.time()) + 600, **changed}
    return {name: value for name, value in told.items() if value is not None}


def signed(house: House, *, secret: str = SECRET, **changed: Any) -> str:
    return raw(json.dumps(claims(house, **changed)), secret)


def mutants(good: str) -> Iterator[str]:
    """A hundred and more ways in which one token is not the one that was signed."""
    parts = good.split(".")
    for number, part in enumerate(parts):
        for at in range(0, len(part), max(1, len(part) // 40)):
            other = "A" if part[at] != "A" else "B"
            yield ".".join([*parts[:number], part[:at] + other + part[at + 1 :], *parts[number + 1 :]])
        yield ".".join([*parts[:number], *parts[number + 1 :]])
        yield ".".join([*parts[:number], "", *parts[number + 1 :]])
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if last != good[-1]:
            yield good[:-1] + last
    yield from (
        good[:-1],
        f"{good}A",
        f"{good}=",
        f"{good}.",
        f".{good}",
        good.swapcase(),
        f"{good}\n",
        f"{good}\x00",
        good * 9,
    )


def forged(house: House, rival: House) -> dict[str, str]:
    """Tokens that are well formed, by what is wrong with them."""
    now = int(time.time())
    theirs = str(rival.tenant.id)
    return {
        "no algorithm": unsigned(house, "none"),
        "no algorithm, otherwise spelled": unsigned(house, "nOnE"),
        "an algorithm of another kind": jwt.encode(claims(house), SECRET * 2, "HS512"),
        "another secret": signed(house, secret="x" * 40),
        "an empty secret": signed(house, secret=""),
        "the rival's secret": signed(house, secret=f"{SECRET}-rival"),
        "the rival's audience": signed(house, aud=theirs),
        "two audiences": signed(house, aud=[str(house.tenant.id), theirs]),
        "no audience": signed(house, aud=None),
        "expired": signed(house, exp=now - 1),
        "just expired": signed(house, exp=now),
        "no expiry": signed(house, exp=None),
        "expiry in words": signed(house, exp="tomorrow"),
        "expiry as text": signed(house, exp=str(now + 600)),
        "endless": signed(house, exp=now + 400 * 86400),
        "later than any clock": signed(house, exp=10**400),
        "infinite": raw(json.dumps(claims(house, exp=7)).replace("7}", "1e999}")),
        "not a number": raw(json.dumps(claims(house, exp=float("nan")))),
        "from the future": signed(house, iat=now + 600),
        "not yet": signed(house, nbf=now + 600),
        "nobody": signed(house, sub=None),
        "an empty subject": signed(house, sub=""),
        "a long subject": signed(house, sub="x" * 201),
        "a subject with a line in it": signed(house, sub="a\nb"),
        "a subject that is a number": raw(json.dumps(claims(house, sub=7))),
        "a name that is a list": signed(house, name=["x"]),
        "a long e-mail": signed(house, email="x" * 255),
        "a list of claims": raw("[]"),
        "deep": raw("[" * 900 + "]" * 900),
    }


def unsigned(house: House, algorithm: str) -> str:
    return f"{packed({'alg': algorithm, 'typ': 'JWT'})}.{packed(claims(house))}."


def raw(payload: str, secret: str = SECRET) -> str:
    """Any text, well signed, also with what no library would sign with."""
    said = f"{packed({'alg': 'HS256', 'typ': 'JWT'})}.{_text(payload.encode())}"
    return f"{said}.{_text(hmac.digest(secret.encode(), said.encode(), 'sha256'))}"


def packed(content: Any) -> str:
    return _text(json.dumps(content).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
