"""The REST door: every route under `/api/v1/`, and the guard they share."""

from ninja import NinjaAPI

from apps.api import chat, knowledge, problems
from apps.api.guards import ByKey

api = NinjaAPI(
    title="Chat With Us",
    version="1",
    description="Ask agents and give them knowledge. Errors are RFC 9457 problem documents.",
    auth=ByKey(),
    urls_namespace="api",
)
problems.install(api)
api.add_router("", chat.router)
api.add_router("", knowledge.router)
