"""Which model a tenant's vectors are of: all that answer are of one, so that a question is compared with vectors of its own model.

That is the model they were made with, until `renewal` has made all of them anew with the one that EMBEDDER names."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import connections

from apps.agents import embedding
from apps.agents.embedders import catalogue
from apps.agents.embedders.base import Embedder
from apps.agents.embedders.filled import Filled
from apps.agents.providers.base import ProviderError
from apps.knowledge.models import DIMENSIONS, Knowledge, Passage
from apps.tenants import scope
from apps.tenants.postgres.prepared import Prepared

logger = logging.getLogger(__name__)


class Unfit(ValueError):
    """An embedder's vectors do not fit into the columns."""


def wanted() -> str:
    """The model that the operator's setting asks for; no server is asked."""
    return catalogue.load(settings.EMBEDDER).model


def current() -> str:
    """The model of what answers, and of what is to join it."""
    return of(list(Knowledge.objects.values_list("id", flat=True))) or wanted()


def of(sources: Sequence[UUID]) -> str:
    """The model of what these sources answer with; empty where they have nothing."""
    if not sources:
        return ""
    row = _MODEL.first(sources=list(sources))
    return row[0] if row else ""


def embedder(model: str, *, seconds: float | None = None) -> Embedder:
    """The one that makes vectors of this model; `seconds` are what its server may take. Raises Unfit, UnknownEmbedder or ProviderError."""
    return _fitting(embedding.that_made(model, seconds=seconds))


def warm() -> None:
    """Have the first question wait for no model. Raises Unfit; a server that is not there may come later."""
    try:
        _fitting(embedding.of(settings.EMBEDDER, seconds=embedding.QUESTION_SECONDS)).embed(["warm"])
    except ProviderError as error:
        logger.warning("The embedder %s does not answer yet: %s", settings.EMBEDDER, error)


def lock() -> None:
    """Until the transaction ends nobody else changes which of this tenant's passages answer."""
    with connections[Passage.database].cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"vectors {scope.current()}"]
        )


def _fitting(made: Embedder) -> Embedder:
    if made.dimension > DIMENSIONS:
        raise Unfit(
            f"The embedder {made.model} makes vectors of {made.dimension} dimensions, and the database keeps those of {DIMENSIONS}. "
            f"Set EMBEDDER to a model of at most {DIMENSIONS}, or ask one that can for fewer: NAME@{DIMENSIONS}."
        )
    return made if made.dimension == DIMENSIONS else Filled(made, DIMENSIONS)


_MODEL = Prepared(
    "SELECT embedder FROM knowledge_passage WHERE tenant_id = %(tenant)s AND knowledge_id = ANY(%(sources)s) LIMIT 1",
    database=Passage.database,
)
