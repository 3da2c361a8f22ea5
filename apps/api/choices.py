"""`/api/v1/models`: which models there are to choose from for agents."""

from dataclasses import asdict

from django.http import HttpRequest
from ninja import Router

from apps.agents import choices
from apps.api.agent_schemas import Models, ProviderModels
from apps.api.guards import ByKey
from apps.api.reference import agents as reference

router = Router(tags=["agents"])


@router.get("/models", response=Models, summary="List models", auth=ByKey("agents.read"), **reference.CHOICES)
async def list_models(request: HttpRequest) -> Models:
    """As the organisation's providers say just now; those are asked, for at most three seconds."""
    return Models(providers=[ProviderModels(**asdict(shelf)) for shelf in await choices.shelves()])
