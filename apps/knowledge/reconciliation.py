"""Where the two databases differ: a process died between their commits, or a backup of one is older than the other's."""

from django.db.models import Count, Q, Sum

from apps.knowledge import index
from apps.knowledge.models import Document, Knowledge, Passage, Seen


def forget_removed() -> int:
    """Delete passages whose source or document is gone; how many."""
    _forget_sights()
    passages = Passage.objects.order_by()
    shelves = set(passages.values_list("knowledge_id", flat=True).distinct())
    documents = set(
        passages.filter(document_id__isnull=False).values_list("document_id", flat=True).distinct()
    )
    shelves -= {shelf for one in Knowledge.objects.only("id") for shelf in one.shelves}
    documents -= set(Document.objects.values_list("id", flat=True))
    if not shelves and not documents:
        return 0
    return index.remove(passages.filter(Q(knowledge_id__in=shelves) | Q(document_id__in=documents)))


def _forget_sights() -> None:
    """Of sources that are gone; those of a source that is there are written anew with each of its readings."""
    seen = set(Seen.objects.order_by().values_list("knowledge_id", flat=True).distinct())
    if gone := seen - set(Knowledge.objects.values_list("id", flat=True)):
        Seen.objects.filter(knowledge_id__in=gone).delete()


def recover_lost() -> int:
    """Have those sources embedded anew of which other passages are there than answered; how many. What they say is in the app database,
    so no site is asked for it. One that is just being read may be counted too: of it nothing is embedded twice."""
    answering = (
        Document.objects.filter(knowledge__status=Knowledge.Status.READY).exclude(answering="").order_by()
    )
    told = dict(answering.values_list("knowledge_id").annotate(Sum("passages")))
    kept = Passage.objects.filter(knowledge_id__in=list(told)).order_by()
    there = dict(kept.values_list("knowledge_id").annotate(found=Count("*")))
    lost = [source for source, passages in told.items() if there.get(source, 0) != passages]
    Document.objects.filter(knowledge_id__in=lost).update(answering="")
    for source in Knowledge.objects.filter(id__in=lost):
        source.read_again()
    return len(lost)
