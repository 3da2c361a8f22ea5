"""What pages are told of an agent: what visitors may see of the published version, and nothing else of it."""

from apps.agents import faces, versions
from apps.tenants import cache
from tests.world import House


def told(house: House) -> dict[str, object]:
    with house.scope():
        face = faces.of(house.agent.id)
        assert face is not None
        return faces.shown(face)


def test_a_page_is_told_what_visitors_see_once_it_is_published(acme: House) -> None:
    with acme.scope():
        wanted = {"suggestions": ["What does delivery cost?"], "language": "de"}
        versions.edit(
            acme.agent,
            **wanted,
            instructions="CANARY-INSTRUCTIONS",
            refusal="CANARY-REFUSAL",
            stop=["CANARY-STOP"],
        )
    assert (told(acme)["suggestions"], told(acme)["language"]) == ([], "")
    with acme.scope():
        versions.publish(acme.agent)
        cache.forget(faces._key(acme.tenant.id, acme.agent.id))  # nothing commits here
    shown = told(acme)
    assert (shown["suggestions"], shown["language"]) == (["What does delivery cost?"], "de")
    assert set(shown) == {"id", "name", "greeting", "suggestions", "language", "avatar", "appearance"}
    assert "CANARY" not in str(shown)
    assert "builtin" not in str(shown)
