"""Does the builtin provider know what it does not know? `python -m benchmarks.refusal --data DIR [--sample N]`.

DIR holds `squad2dev/` (questions that the corpus answers) and `offtopic/questions.txt` (questions about anything). One half of
each sample fits a threshold; the other half is judged at that one and at the one in the code. The code's own weights and
threshold were chosen with sight of both halves, so this guards against a change for the worse and is no held-out result.
"""

import argparse
import json
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.agents import relatedness
from apps.agents.embedders import catalogue
from apps.agents.providers.base import Source
from apps.agents.providers.builtin import best_of
from apps.agents.words import content_words

SOURCES = 6
KEPT, REFUSED = 0.94, 0.93
FITTED_KEPT = 0.945


class Remembering:
    """An embedder that meets the same sentences again and again."""

    def __init__(self) -> None:
        self._embedder = catalogue.load("minilm")
        self.model, self.dimension = self._embedder.model, self._embedder.dimension
        self._known: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return [self._known[text] for text in texts]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, whether the corpus answers it, and with which words."""

    text: str
    is_answerable: bool
    answers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What the provider found: its highest relatedness, and whether its first or first two quotes hold the answer."""

    asked: Asked
    relatedness: float
    in_first: bool
    in_two: bool


class Corpus:
    """Passages with a stand-in for the product's retrieval: cosine and lexical scores fused, as it does in SQL."""

    def __init__(self, texts: Sequence[str], embedder: Remembering) -> None:
        self._texts, self._embedder = texts, embedder
        self._vectors = np.array(embedder.embed(texts))
        self._words = [content_words(text) for text in texts]
        found = Counter(word for words in self._words for word in words)
        self._rarity = {word: math.log(len(texts) / count) for word, count in found.items()}

    def sources(self, text: str) -> tuple[Source, ...]:
        wanted = content_words(text)
        lexical = np.array([sum(self._rarity[w] for w in wanted & words) for words in self._words], float)
        lexical /= max(lexical.max(), sum(self._rarity.get(w, 7.0) for w in wanted) / 2, 1e-9)
        cosine = self._vectors @ np.array(self._embedder.embed([text])[0])
        scores = 0.6 * cosine.clip(0, 1) + 0.4 * lexical
        best = np.argsort(-scores)[:SOURCES]
        return tuple(Source(n, "", self._texts[i], scores[i]) for n, i in enumerate(best, start=1))


def result(asked: Asked, *, corpus: Corpus, embedder: Remembering) -> Result:
    question = relatedness.asked(asked.text, embedder=embedder)
    pool = [
        candidate
        for source in corpus.sources(asked.text)
        for candidate in relatedness.candidates(
            question, source.text, source=source.number, score=source.score, embedder=embedder
        )
    ]
    first = best_of(pool, quoted=[])
    second = best_of(pool, quoted=[first]) if first else None
    held = [
        bool(quote and any(answer.lower() in quote.text.lower() for answer in asked.answers))
        for quote in (first, second)
    ]
    highest = max((candidate.relatedness for candidate in pool), default=0.0)
    return Result(asked, highest, held[0], any(held))


def load(data: Path, *, sample: int) -> tuple[list[str], list[Asked]]:
    texts = [json.loads(line)["text"] for line in _lines(data / "squad2dev" / "corpus.jsonl")]
    queries: list[dict[str, Any]] = [
        json.loads(line) for line in _lines(data / "squad2dev" / "queries.jsonl")
    ]
    answerable = [Asked(q["text"], True, q["answers"]) for q in queries if q["answerable"]]
    offtopic = [Asked(line, False) for line in _lines(data / "offtopic" / "questions.txt")]
    chance = random.Random(7)
    picked = [chance.sample(pool, min(sample, len(pool))) for pool in (answerable, offtopic)]
    return texts, [asked for pool in picked for asked in pool]


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def shares(results: Sequence[Result], threshold: float) -> tuple[float, float]:
    """How many answerable questions are kept, and how many off-topic ones are refused."""
    kept = [one.relatedness >= threshold for one in results if one.asked.is_answerable]
    refused = [one.relatedness < threshold for one in results if not one.asked.is_answerable]
    return sum(kept) / len(kept), sum(refused) / len(refused)


def fitted(results: Sequence[Result]) -> float:
    on_topic: NDArray[Any] = np.array([one.relatedness for one in results if one.asked.is_answerable])
    return float(np.quantile(on_topic, 1 - FITTED_KEPT))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with squad2dev/ and offtopic/")
    parser.add_argument("--sample", type=int, default=400, help="questions of each kind (default 400)")
    given = parser.parse_args()
    began = time.perf_counter()
    embedder = Remembering()
    texts, questions = load(given.data, sample=given.sample)
    corpus = Corpus(texts, embedder)
    results = [result(asked, corpus=corpus, embedder=embedder) for asked in questions]
    report(results, seconds=time.perf_counter() - began)


def report(results: Sequence[Result], *, seconds: float) -> None:
    fit, judged = results[::2], results[1::2]
    kept, refused = shares(judged, relatedness.RELATED)
    answerable = [one for one in judged if one.asked.is_answerable]
    print(f"{len(fit)} questions to fit, {len(judged)} to judge, {seconds:.0f} s")
    print(f"{'threshold':<28}{'kept':>8}{'refused':>9}")
    for name, threshold in (("fitted on the other half", fitted(fit)), ("in the code", relatedness.RELATED)):
        print(
            f"{name:<21}{threshold:7.3f}{shares(judged, threshold)[0]:8.3f}{shares(judged, threshold)[1]:9.3f}"
        )
    print(f"answer in the first quote {sum(one.in_first for one in answerable) / len(answerable):.3f}")
    print(f"answer in the first two   {sum(one.in_two for one in answerable) / len(answerable):.3f}")
    met = [kept >= KEPT, refused >= REFUSED]
    missed = [f"kept {kept:.3f} < {KEPT}"] * (not met[0]) + [f"refused {refused:.3f} < {REFUSED}"] * (
        not met[1]
    )
    print(f"refusal: {sum(met)} of {len(met)} bounds met" + "".join(f"; {miss}" for miss in missed))


if __name__ == "__main__":
    main()
