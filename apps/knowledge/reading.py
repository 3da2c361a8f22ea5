"""What is done with a document's bytes, all of it inside the child of `contained`: answers are plain data that JSON can carry."""

from typing import Any

from apps.knowledge import partition, passages

Data = dict[str, Any]


def document(name: str, content: bytes) -> Data:
    """An upload, or a text that somebody pasted, cut into passages."""
    return {"passages": cut(partition.partition(name, content))}


def cut(elements: list[partition.Element]) -> list[Data]:
    return [
        {"heading": " › ".join(one.heading_path), "page": one.page, "text": one.text}
        for one in passages.split(elements)
    ]
