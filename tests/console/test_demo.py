"""The demo shop's own questions get a useful answer from its own help centre."""

from apps.console.demo import QUESTIONS
from tests.server import Server
from tests.services import ROOT
from tests.world import House

WORTH_SAYING = {
    "How long do I have to return something?": "30 days",
    "What does delivery cost?": "£3.95",
    "How do I wash my sleeping bag?": "30 °C",
    "When is your shop open?": "09:00",
    "How long is the warranty on boots?": "2 years",
}


def test_every_suggested_question_is_answered(server: Server, houses: tuple[House, House]) -> None:
    acme, _ = houses
    for document in (ROOT / "demo" / "knowledge").glob("*.md"):
        acme.knows(document.read_text(), name=document.stem)
    assert set(QUESTIONS) <= set(WORTH_SAYING)
    with server.rest(acme) as client:
        for question, words in WORTH_SAYING.items():
            answer = client.post(
                "/api/v1/chat", json={"agent": str(acme.agent.id), "message": question}
            ).json()
            assert words in answer["response"], answer["response"]
            assert answer["citations"]
