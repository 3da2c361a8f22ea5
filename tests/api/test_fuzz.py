"""Generated requests over the whole document: no answer may break it. The long form is benchmarks/api_fuzz.py."""

from pathlib import Path

from tests.api import fuzz
from tests.api.streams import ask, question
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
SEED = 20260101


def test_requests_made_from_the_document_get_answers_that_it_names(
    server: Server, houses: Houses, tmp_path: Path
) -> None:
    acme, _ = houses
    phases = ("examples", "fuzzing", "stateful")
    told = fuzz.document(server.url)
    found = fuzz.run(server.url, acme, told, tmp_path, examples=1, seed=SEED, phases=phases)
    assert found.is_complete, found.output
    assert found.failures == (), found.output
    assert found.cases > 50


def test_so_do_requests_about_what_is_really_there(server: Server, houses: Houses, tmp_path: Path) -> None:
    acme, _ = houses
    told = fuzz.deepened(
        fuzz.document(server.url),
        agent=str(acme.scripted("tokens=3").id),
        spare=str(acme.scripted("tokens=3").id),
        chat=ask(server, acme, question(acme)).json()["session_id"],
        knowledge=str(acme.knows("The Quito depot is closed in March.").id),
    )
    exclude = [fuzz.ENDLESS, "knowledge_delete"]
    phases = ("examples", "coverage")
    found = fuzz.run(server.url, acme, told, tmp_path, examples=1, seed=SEED, phases=phases, exclude=exclude)
    assert found.is_complete, found.output
    assert found.failures == (), found.output
    assert found.cases > 300
