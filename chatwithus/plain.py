"""What Django's cache keeps, as JSON. Django's own way is pickle: whoever can write to Valkey could have every process that reads it
run what they like."""

from typing import Any

import orjson


class Plain:
    """What cannot be read counts as nothing kept."""

    def dumps(self, value: Any) -> bytes:
        return orjson.dumps(value)

    def loads(self, packed: bytes) -> Any:
        try:
            return orjson.loads(packed)
        except orjson.JSONDecodeError:
            return None
