"""What staff set for the whole organisation."""

import pytest
from django.test import Client

from tests.world import PASSWORD, House

ADDRESS = "/console/organisation/"


@pytest.fixture
def staff(acme: House) -> Client:
    client = Client()
    client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD})
    return client


def minutes(house: House) -> int:
    house.tenant.refresh_from_db()
    return house.tenant.idle_minutes


def test_the_form_shows_what_holds_now(staff: Client) -> None:
    assert 'name="idle_minutes" value="30"' in staff.get(ADDRESS).content.decode()


@pytest.mark.parametrize("chosen", [1, 45, 10080])
def test_a_tenant_says_when_its_own_quiet_chats_end(
    staff: Client, acme: House, globex: House, chosen: int
) -> None:
    saved = staff.post(ADDRESS, {"idle_minutes": chosen}, follow=True)
    assert saved.redirect_chain == [(ADDRESS, 302)]
    assert 'data-testid="saved"' in saved.content.decode()
    assert (minutes(acme), minutes(globex)) == (chosen, 30)


@pytest.mark.parametrize("nonsense", ["0", "-5", "10081", "2.5", "half an hour", "", "9" * 5000])
def test_nonsense_is_explained_and_changes_nothing(staff: Client, acme: House, nonsense: str) -> None:
    refused = staff.post(ADDRESS, {"idle_minutes": nonsense})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert page.count("Enter a whole number of minutes, from 1 to 10080.") == 1
    assert f'value="{nonsense}"' in page or nonsense == ""
    assert minutes(acme) == 30
