"""schemathesis, run as a program of its own over the document of a running server."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from apps.api.reference import standins
from tests.world import House

PROGRAM = Path(sys.executable).with_name("schemathesis")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
ENDLESS = (
    "chat_follow"  # answers as long as somebody listens, so it is only asked for chats that are not there
)
CONFIG = """
# No schema can say which agents, providers, origins and addresses there are, what suits the provider or the source that
# is named, what is an image, which words are too many for a message, which addresses are e-mail addresses and who may
# make owners.
[[operations]]
include-operation-id = [
    "agents_create", "agents_edit_draft", "agents_try_it", "keys_mint", "knowledge_add", "knowledge_change",
    "organisation_change", "organisation_keep_credential", "people_invite", "people_keep_portrait", "usage_keep",
    "visitors_welcome", "widget_keep_avatar",
]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 422]

# A cursor is what the page before has given out.
[[operations]]
include-operation-id = [
    "agents_list_agents", "agents_list_versions", "audit_entries", "keys_list_keys", "knowledge_documents",
    "knowledge_shelf", "people_list_invitations", "people_list_members",
]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 422]
"""


@dataclass(frozen=True)
class Report:
    """One run: how many requests it made, and what was wrong with the answers."""

    cases: int
    failures: tuple[str, ...]
    is_complete: bool
    output: str


def document(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/api/v1/openapi.json").json()
    return found


def deepened(told: dict[str, Any], *, agent: str, spare: str, chat: str, knowledge: str) -> dict[str, Any]:
    """The document with ids that exist wherever it wants one, so that requests get past the first look-up. What changes agents
    changes the spare one: published with a model that is nowhere, the one that is asked would rightly answer 502."""
    schemas = told["components"]["schemas"]
    here = {"anyOf": [_one(chat), {"type": "null"}]}
    schemas["ChatRequest"]["properties"] |= {"agent": _one(agent), "session_id": here}
    schemas["VisitorRequest"]["properties"]["agent"] = _one(agent)
    schemas["CompletionRequest"]["properties"]["model"] = _one(agent)
    for content in told["paths"]["/api/v1/knowledge"]["post"]["requestBody"]["content"].values():
        content["schema"]["properties"]["agents"]["items"] = _one(agent)
    known = {"session_id": chat, "knowledge_id": knowledge, "model": agent, "provider": "openai"}
    for path, routes in told["paths"].items():
        if "/agents/" in path:
            told["paths"][path] = _instead(routes, spare)
        for route in told["paths"][path].values():
            for parameter in route["parameters"]:
                if parameter["name"] in known:
                    parameter["schema"] = _one(known[parameter["name"]])
    text = json.dumps(told).replace(standins.AGENT, agent).replace(standins.CHAT, chat)
    found: dict[str, Any] = json.loads(text.replace(standins.KNOWLEDGE, knowledge))
    return found


def run(
    url: str,
    house: House,
    told: dict[str, Any],
    folder: Path,
    *,
    examples: int,
    seed: int,
    phases: Sequence[str] = PHASES,
    exclude: Sequence[str] = (),
) -> Report:
    """All its checks over this document, with this house's key; every finding is counted."""
    (folder / "openapi.json").write_text(json.dumps(told))
    (folder / "schemathesis.toml").write_text(CONFIG)
    report = folder / "report.json"
    command = [
        str(PROGRAM), "run", str(folder / "openapi.json"), "--origin", url, "--checks", "all",
        "--phases", ",".join(phases), "--max-examples", str(examples), "--seed", str(seed), "--no-shrink",
        "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "60",
        "--header", f"Authorization: Bearer {house.key}", "--header", f"Origin: {house.origin}",
        "--generation-database", "none", "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    for operation in exclude:
        command += ["--exclude-operation-id", operation]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    output = ended.stdout + ended.stderr
    if not report.exists():
        return Report(0, (), False, output)
    found = json.loads(report.read_text(encoding="utf-8"))
    wrong = tuple(json.dumps(one) for one in (*found["failures"], *found["errors"]))
    return Report(found["test_cases"]["generated"], wrong, found["complete"], output)


def _instead(routes: dict[str, Any], agent: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(routes).replace(standins.AGENT, agent))
    return found


def _one(value: str) -> dict[str, Any]:
    return {"type": "string", "enum": [value]}
