"""How sure an agent must be: found with its own knowledge, on one half of the questions, and noted with what it does to the other."""

import random
from collections.abc import Sequence
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.knowledge import calibration
from apps.knowledge.models import Calibration
from benchmarks.corpora import DEMO, help_centre
from tests.knowledge.test_retrieval import search
from tests.tenants.acting import log
from tests.world import House

HELP_IN_GERMAN = """# Rückgabe
Sie können gekaufte Ware innerhalb von dreißig Tagen zurückgeben. Die Frist beginnt mit dem Tag, an dem das Paket ankommt.
Zelte und Schlafsäcke nehmen wir nur sauber und trocken zurück. Die Kosten der Rücksendung übernehmen wir.
Das Geld wird innerhalb einer Woche auf dasselbe Konto überwiesen, von dem es gekommen ist.

# Versand
Bestellungen vor vierzehn Uhr verlassen das Lager am selben Tag. Der Versand nach Österreich kostet sechs Euro und dauert drei bis fünf Werktage.
Sperrige Pakete bringt eine Spedition, die vorher anruft. Die Verfolgung der Sendung steht in der Bestätigung.

# Werkstatt
Unsere Werkstatt in Hamburg repariert Kocher, Rucksäcke und Reißverschlüsse. Eine Reparatur dauert etwa zwei Wochen.
Für jede Reparatur gilt eine Garantie von einem Jahr. Ersatzteile können einzeln bestellt werden.

# Gutscheine
Ein Gutschein gilt drei Jahre und kann nicht in bar ausgezahlt werden. Mehrere Gutscheine lassen sich gemeinsam einlösen.
"""


def calibrated(house: House) -> str:
    said = StringIO()
    call_command("calibrate", str(house.agent.id), stdout=said)
    return said.getvalue()


def test_an_agent_that_was_calibrated_knows_what_it_knows(houses: tuple[House, House]) -> None:
    acme, globex = houses
    for path in sorted(DEMO.glob("*.md"))[:4]:
        acme.knows(path.read_text(encoding="utf-8"), name=path.stem)
    assert "It answers from a score of" in calibrated(acme)
    [line] = log(acme, "agent.calibrated")
    assert (line.actor_kind, line.target_id) == ("command", str(acme.agent.id))
    with acme.scope():
        found = Calibration.objects.get()
    assert (found.agent_id, found.passages > 5) == (acme.agent.id, True)
    assert 0.2 < found.threshold < 0.45
    assert found.kept >= 0.94
    assert found.refused >= 0.93
    known = {path.stem for path in sorted(DEMO.glob("*.md"))[:4]}
    asked = [one.text for one in help_centre() if one.answered_by in known]
    assert sum(bool(search(acme, text)) for text in asked) >= 0.94 * len(asked)
    with globex.scope():
        assert not Calibration.objects.exists()


def test_calibrating_again_keeps_one_threshold(houses: tuple[House, House]) -> None:
    acme, _ = houses
    acme.knows((DEMO / "privacy.md").read_text(encoding="utf-8"))
    assert calibrated(acme) == calibrated(acme)
    with acme.scope():
        assert Calibration.objects.count() == 1


def test_an_agent_that_knows_too_little_is_left_as_it_is(houses: tuple[House, House]) -> None:
    acme, _ = houses
    acme.knows("The depot is green.")
    with pytest.raises(CommandError, match="fewer than 10 sentences"):
        calibrated(acme)
    with acme.scope():
        assert not Calibration.objects.exists()


def test_an_unknown_agent_is_said_to_be_unknown(committed: None) -> None:
    with pytest.raises(CommandError, match="There is no agent"):
        call_command("calibrate", str(uuid4()))


def test_the_threshold_lies_between_by_their_spread() -> None:
    assert calibration.between([0.0, 0.1, 0.2], [0.6, 0.7, 0.8]) == pytest.approx(0.4)
    assert calibration.between([0.1, 0.1, 0.1], [0.5, 0.7, 0.9]) == pytest.approx(0.1 + 0.6 / 21)


def test_a_question_names_what_its_sentence_names() -> None:
    chance = random.Random(1)
    assert calibration.question("The green depot opens.", chance) in {
        "What about green depot?",
        "What about green opens?",
        "What about depot opens?",
    }
    assert calibration.question("It is so.", chance) is None


@pytest.mark.parametrize("tongue", calibration.ASKING)
def test_the_questions_about_anything_are_many_and_different(tongue: str) -> None:
    assert len(set(calibration.off_topic(tongue))) == len(calibration.off_topic(tongue)) >= 50


def test_an_agent_is_asked_in_the_language_of_its_knowledge(
    houses: tuple[House, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = houses
    acme.knows(HELP_IN_GERMAN)
    asked: list[str] = []
    scores = calibration._scores

    def keeping(readable: Sequence[UUID], questions: Sequence[str]) -> list[float]:
        asked.extend(questions)
        return scores(readable, questions)

    monkeypatch.setattr(calibration, "_scores", keeping)
    calibrated(acme)
    with acme.scope():
        found = Calibration.objects.get()
    about = [one for one in asked if one.startswith("Was ist mit ")]
    assert len(about) >= 10
    assert not any({"die", "und", "innerhalb"} & set(one.lower().split()) - {"mit"} for one in about)
    assert set(calibration.off_topic("german")) <= set(asked)
    assert not set(calibration.off_topic()) & set(asked)
    assert min(found.kept, found.refused) >= 0.8
    assert search(acme, "Wer übernimmt die Kosten der Rücksendung?")
    assert not search(acme, "Wie hoch ist der Eiffelturm?")
