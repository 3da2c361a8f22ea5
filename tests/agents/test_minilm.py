import math
import os
from pathlib import Path
from threading import get_native_id

import pytest

from apps.agents.embedders import catalogue, minilm
from apps.agents.embedders.base import Embedder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return catalogue.load("minilm")


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_vectors_have_384_numbers_and_length_one(embedder: Embedder) -> None:
    for vector in embedder.embed(["A tent.", "How long do I have to return something?", ""]):
        assert len(vector) == embedder.dimension == 384
        assert math.isclose(cosine(vector, vector), 1.0, abs_tol=1e-5)
    assert embedder.model == "all-MiniLM-L6-v2-int8"


def test_what_means_the_same_is_close_without_a_word_in_common(embedder: Embedder) -> None:
    asked, same, other = embedder.embed(
        ["How do I send my parcel back?", "Returning an order", "A recipe for onion soup"]
    )
    assert cosine(asked, same) > 0.4 > 0.2 > cosine(asked, other)


def test_order_is_kept_over_batches_of_mixed_length(embedder: Embedder) -> None:
    texts = [f"number {n} " + "and so on " * (n * 7 % 23) for n in range(3 * minilm.BATCH + 1)]
    alone = [embedder.embed([text])[0] for text in texts]
    for one, other in zip(embedder.embed(texts), alone, strict=True):
        assert cosine(one, other) > 0.9999


def test_many_texts_are_embedded_behind_what_else_wants_the_cores(embedder: Embedder) -> None:
    assert isinstance(embedder, minilm.MiniLM)

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, get_native_id())

    assert niceness() <= embedder._crowd.submit(niceness).result() >= minilm.NICE


def test_what_follows_the_256th_token_is_not_read(embedder: Embedder) -> None:
    long = "tent " * 400
    one, other = embedder.embed([long, long + "and a completely different ending about banks"])
    assert cosine(one, other) > 0.9999


def test_nothing_and_emptiness_are_allowed(embedder: Embedder) -> None:
    assert embedder.embed([]) == []
    assert len(embedder.embed(["", "   "])) == 2


def test_a_file_that_is_not_the_expected_one_is_refused() -> None:
    package, name, digest = minilm.TOKENIZER
    with pytest.raises(minilm.ModelFileError, match="sha256 differs"):
        minilm.checked(package, name, "0" * 64)
    with pytest.raises(minilm.ModelFileError, match="is missing; reinstall"):
        minilm.checked(package, "no-such-file", digest)
    with pytest.raises(minilm.ModelFileError, match="is not installed"):
        minilm.checked("no_such_package", name, digest)


def test_the_module_names_no_path_of_this_machine() -> None:
    assert "site-packages" not in Path(minilm.__file__).read_text(encoding="utf-8")
