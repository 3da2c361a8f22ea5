"""Browsers in which an account was signed in before: they are counted by themselves, so that strangers who guess its password from
elsewhere cannot lock its owner out (OWASP, "device cookies"). Such a cookie opens nothing."""

import hashlib
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.tenants import limits

COOKIE = "cwu_device"
_SALT = "chatwithus.device"
_SECONDS = 365 * 86400


def known(request: HttpRequest, username: str) -> str:
    """What to count this browser by, where this account was signed in by it before; otherwise nothing."""
    try:
        told = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return ""
    name, device = told
    return str(device) if name == _digest(username) else ""


def remember(response: HttpResponse, username: str) -> None:
    told = signing.dumps([_digest(username), secrets.token_hex(16)], salt=_SALT)
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(
        COOKIE, told, max_age=_SECONDS, path="/console/login/", secure=secure, httponly=True, samesite="Lax"
    )


def _digest(username: str) -> str:
    """Who was signed in is not to be read off a browser."""
    return hashlib.sha256(f"{settings.SECRET_KEY} {limits.spelt(username)}".encode()).hexdigest()[:32]
