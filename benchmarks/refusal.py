"""Does an agent know what it does not know? `python -m benchmarks.refusal --data DIR [--sample N]`.

It is calibrated by `manage.py calibrate`, which sees no question of these sets: half of the questions it makes of the corpus and of
its own about anything fit the threshold. Then it is asked what the corpus answers, and what people asked about anything.
"""

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

from django.core.management import call_command

from benchmarks import corpora, harness, shelves
from benchmarks.harness import Benchmark
from benchmarks.retrieval import answer

KEPT, REFUSED = 0.94, 0.93


async def answered(agent_id: UUID, questions: Sequence[str]) -> tuple[list[bool], int]:
    """Which are answered, and how many citations lead nowhere."""
    from apps.knowledge import retrieval

    found = [await retrieval.search(agent_id, text) for text in questions]
    lost = sum(answer(text, one)[1] for text, one in zip(questions, found, strict=True))
    return [bool(one) for one in found], lost


def judge(
    benchmark: Benchmark, name: str, agent_id: UUID, about: Sequence[str], anything: Sequence[str]
) -> int:
    from apps.knowledge.models import Calibration

    call_command("calibrate", str(agent_id))
    found = Calibration.objects.get(agent=agent_id)
    benchmark.record(f"{name}: threshold", [found.threshold])
    kept, lost = asyncio.run(answered(agent_id, about))
    refused, lost_too = asyncio.run(answered(agent_id, anything))
    share = benchmark.record(f"{name}: kept", [sum(kept) / len(kept)])
    benchmark.bound(share, ">=", KEPT)
    share = benchmark.record(f"{name}: refused", [1 - sum(refused) / len(refused)])
    benchmark.bound(share, ">=", REFUSED)
    return lost + lost_too


def main() -> int:
    parser = harness.parser(__doc__, repeat=1)
    parser.add_argument("--sample", type=int, default=1000, help="questions of each kind (default 1000)")
    given = parser.parse_args()
    data = shelves.folder(given.data)
    corpus, chance = corpora.squad(data), random.Random(7)
    asked = [one.text for one in corpus.questions]
    about = chance.sample(asked, min(given.sample, len(asked)))
    anything = corpora.offtopic(data)[: given.sample]
    benchmark = Benchmark("refusal")
    with shelves.prepared():
        with shelves.tenant("squad") as agent_id:
            shelves.shelve(agent_id, corpus.texts)
            lost = judge(benchmark, "squad", agent_id, about, anything)
        with shelves.tenant("help-centre") as agent_id:
            shelves.shelve_demo(agent_id)
            helped = [one.text for one in corpora.help_centre()]
            lost += judge(benchmark, "help centre", agent_id, helped, anything)
    benchmark.bound(benchmark.record("citations that lead nowhere", [lost]), "<=", 0)
    return benchmark.finish()


if __name__ == "__main__":
    raise SystemExit(main())
