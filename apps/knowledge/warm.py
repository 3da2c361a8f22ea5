"""Imported once by the process that children of `contained` are forked from, so that none of them waits for what it needs."""

from apps.knowledge import partition

for name, content in (
    ("a.html", b"<p>A sentence of some words.</p>"),
    ("a.md", b"A sentence of some words."),
    ("a.txt", b"A sentence."),
):
    partition.partition(name, content)
