"""The widget in another engine than the one that all other tests run in, where a Firefox is installed."""

from pathlib import Path

import pytest

from tests.widget import firefox
from tests.widget.site import Site
from tests.widget.talking import answers_by
from tests.world import House

ANSWERED = "[data-role=agent][data-state=completed] [data-testid=text]"
HANDBOOK = "# Returns\nYou have 30 days to return something you bought from us.\n"


@pytest.mark.skipif(firefox.find() is None, reason="no Firefox is installed here")
def test_a_visitor_asks_reads_the_source_comes_back_and_asks_on_in_firefox(
    site: Site, house: House, tmp_path: Path
) -> None:
    house.knows(HANDBOOK)
    program = firefox.find()
    assert program is not None
    with firefox.opened(program, tmp_path) as tab:
        tab.visit(site.page(headers=site.strict))
        tab.click(".launcher")
        tab.sees("[data-connection=online]")
        tab.type(f"How long do I have to return something?{firefox.ENTER}")
        tab.sees(ANSWERED, "30 days")
        tab.click("button.marker")
        tab.sees("details[open] blockquote", "30 days to return")
        tab.reload()
        tab.click(".launcher")
        tab.sees(ANSWERED, "30 days")
        whole = answers_by(house, "tokens=60 rate=40")
        tab.click(".box textarea")
        tab.type(f"And tents?{firefox.ENTER}")
        tab.sees("[data-role=agent][data-state=streaming] [data-testid=text]", "w5 ")
        tab.sees(ANSWERED, whole.strip())
        assert tab.counts(ANSWERED) == 2
