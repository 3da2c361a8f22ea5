"""The questions that searching is judged by, each with the text that answers it.

`python -m benchmarks.corpora --squad dev-v2.0.json --nq NQ-open.dev.jsonl --out DIR` makes DIR, for `--data DIR` of the benchmarks, from
the public files: SQuAD 2.0's development set (https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v2.0.json, CC BY-SA 4.0) and the
development set of NQ-open (https://github.com/google-research-datasets/natural-questions/tree/master/nq_open, Apache-2.0), whose questions,
about anything, are off the topic of whatever is known.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HELP_CENTRE = Path(__file__).with_name("help_centre.tsv")
DEMO = Path(__file__).resolve().parent.parent / "demo" / "knowledge"
OFFTOPIC = 1000


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph of a corpus; `id` is what questions call it."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the text or document that answers it, and in which words."""

    text: str
    answered_by: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts, and questions that they answer."""

    texts: list[Text]
    questions: list[Question]


def squad(data: Path) -> Corpus:
    folder = data / "squad2dev"
    texts = [Text(one["id"], one["title"], one["text"]) for one in _jsonl(folder / "corpus.jsonl")]
    asked = [one for one in _jsonl(folder / "queries.jsonl") if one["answerable"]]
    return Corpus(texts, [Question(one["text"], one["doc"], tuple(one["answers"])) for one in asked])


def help_centre() -> list[Question]:
    """Questions to the demo's help centre, written for this; a document's name says where the answer stands."""
    rows = [line.split("\t") for line in HELP_CENTRE.read_text(encoding="utf-8").splitlines()]
    return [Question(text, document, (answer,)) for text, document, answer in rows]


def offtopic(data: Path) -> list[str]:
    lines = (data / "offtopic" / "questions.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip()]


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _build(squad_file: Path, nq_file: Path, out: Path) -> None:
    texts: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []
    for article in json.loads(squad_file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            doc = f"p{len(texts)}"
            texts.append(
                {"id": doc, "title": article["title"].replace("_", " "), "text": paragraph["context"]}
            )
            asked += [_query(one, doc) for one in paragraph["qas"]]
    _write(out / "squad2dev" / "corpus.jsonl", texts)
    _write(out / "squad2dev" / "queries.jsonl", asked)
    questions = [one["question"] for one in _jsonl(nq_file)][:OFFTOPIC]
    path = out / "offtopic" / "questions.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(questions) + "\n", encoding="utf-8")


def _query(asked: dict[str, Any], doc: str) -> dict[str, Any]:
    answers = list(dict.fromkeys(answer["text"] for answer in asked["answers"]))
    is_answerable = not asked["is_impossible"]
    return {
        "id": asked["id"],
        "text": asked["question"],
        "answers": answers,
        "answerable": is_answerable,
        "doc": doc,
    }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("squad", "nq", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    _build(given.squad, given.nq, given.out)


if __name__ == "__main__":
    main()
