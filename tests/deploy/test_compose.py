"""docker-compose.yml as it stands."""

import json
import subprocess
import sys

import pytest

from tests.deploy.compose import Compose, filled
from tests.deploy.dockerfile import Image, is_pinned
from tests.services import ROOT

SERVING = ("web", "worker", "reader", "beat")


def test_it_follows_the_published_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*check, ROOT / "docker-compose.yml"], check=True, capture_output=True)


def test_every_image_is_pinned_to_a_version(anything: Compose) -> None:
    images = [service["image"] for service in anything.services.values() if "image" in service]
    assert len(images) == 5
    assert [image for image in images if not is_pinned(image)] == []


def test_our_services_are_ordinary_users_on_a_read_only_file_system(anything: Compose) -> None:
    for service in anything.ours():
        assert anything.services[service]["read_only"], service
        assert "user" not in anything.services[service], "the image has one"


def test_nobody_may_gain_rights_and_only_the_proxy_has_one(anything: Compose) -> None:
    for name, service in anything.services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else []), name


def test_everything_that_stays_is_restarted_limited_and_watched(anything: Compose) -> None:
    for name, service in anything.services.items():
        once = name in {"init", "demo"}
        assert service["restart"] == ("no" if once else "unless-stopped"), name
        assert once or service["deploy"]["resources"]["limits"]["memory"], name
        assert once or "healthcheck" in service or anything.health(name), name


def test_nothing_serves_before_the_migrations_are_through_and_what_it_needs_is_healthy(
    anything: Compose,
) -> None:
    for name in SERVING:
        assert anything.services[name]["depends_on"] == {
            "init": {"condition": "service_completed_successfully"},
            "valkey": {"condition": "service_healthy"},
        }
    assert anything.services["init"]["depends_on"] == {
        "app-db": {"condition": "service_healthy"},
        "vector-db": {"condition": "service_healthy"},
    }


def test_only_those_who_serve_nobody_have_the_owners_address(anything: Compose) -> None:
    for name in anything.ours():
        text = json.dumps(anything.environment(name))
        assert ("//owner:" in text) == (name in {"init", "indexer"}), name
        assert "superuser" not in text


def test_databases_and_valkey_are_on_a_network_without_a_way_out_and_publish_nothing(
    anything: Compose,
) -> None:
    assert anything.raw["networks"]["data"]["internal"] is True
    for name in ("app-db", "vector-db", "valkey"):
        assert anything.services[name]["networks"] == ["data"]
    published = {name for name, service in anything.services.items() if "ports" in service}
    assert published == {"web", "caddy"}
    assert anything.services["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_web_believes_the_address_that_the_proxy_has(anything: Compose) -> None:
    address = anything.services["caddy"]["networks"]["edge"]["ipv4_address"]
    assert anything.environment("web")["FORWARDED_ALLOW_IPS"] == address


def test_web_carries_no_readers_of_documents(anything: Compose) -> None:
    assert [name for name in anything.ours() if anything.image(name).target == "worker"] == [
        "worker",
        "reader",
    ]
    assert "unstructured==" not in (ROOT / Image("web").lock()).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}-${B:-b}", "a-b"),
        ("${B:-${A:-x}.2}", "a.2"),
        ("$$A", "$A"),
        ("${B}", ""),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: str, expected: str) -> None:
    assert filled(text, {"A": "a"}) == expected
