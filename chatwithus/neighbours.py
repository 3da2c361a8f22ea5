"""What runs on this machine already and could be used."""

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

OLLAMA = "http://127.0.0.1:11434"
SECONDS = 0.3  # nobody waits for somebody who may not be there


def ollama(url: str) -> str | None:
    """One line that offers it, with what to do; None where nobody answers as Ollama does."""
    models = _models(url)
    if models is None:
        return None
    if not models:
        return f"Ollama         runs at {url} and has no model yet: ollama pull llama3.2"
    return f"Ollama         runs at {url}: allow it under Organisation, and choose ollama with the model {models[0]} for an agent"


def _models(url: str) -> list[str] | None:
    try:
        where = urlsplit(url)
        with closing(
            http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=SECONDS)
        ) as line:
            line.request("GET", "/api/tags")
            found = json.loads(line.getresponse().read(1_000_000))
        return [str(one["name"]) for one in found["models"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
