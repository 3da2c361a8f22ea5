"""The REST door: every route under `/api/v1/`, and the guard they share."""

from apps.api import (
    acts,
    agents,
    audit,
    chat,
    choices,
    completions,
    explanations,
    keys,
    knowledge,
    organisation,
    people,
    problems,
    trying,
    usage,
    visitors,
    widgets,
)
from apps.api.document import Api
from apps.api.page import Page
from apps.api.parser import StrictParser

api = Api(
    title="Chat With Us",
    version="1",
    description="Ask agents, prepare and publish them, give them knowledge, and look after people, keys and settings. Errors are RFC 9457 problem documents; below `/openai/` they have"
    " OpenAI's form.",
    parser=StrictParser(),
    docs=Page(),
    urls_namespace="api",
)
problems.install(api)
api.add_router("", chat.router)
api.add_router("", acts.router)
api.add_router("", visitors.router)
api.add_router("", agents.router)
api.add_router("", trying.router)
api.add_router("", choices.router)
api.add_router("", explanations.router)
api.add_router("", knowledge.router)
api.add_router("", people.router)
api.add_router("", keys.router)
api.add_router("", organisation.router)
api.add_router("", audit.router)
api.add_router("", usage.router)
api.add_router("", widgets.router)
api.add_router("/openai", completions.router)
