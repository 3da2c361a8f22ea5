"""The examples of docs/protocol.md, by who sends them."""

import json
import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "protocol.md").read_text()


def examples(side: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    for block in re.findall(rf"```json {side}\n(.*?)```", PAGE, re.DOTALL):
        rest = block.strip()
        while rest:
            frame, end = decoder.raw_decode(rest)
            found.append(frame)
            rest = rest[end:].strip()
    return found
