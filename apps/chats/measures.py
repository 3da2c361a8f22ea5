"""What is counted of replies for `/metrics`: how they end, how soon they begin, what they use."""

from prometheus_client import Counter, Gauge, Histogram

_ends = Counter("cwu_replies_total", "Replies that ended, by how", ["state", "reason"])
_first_token = Histogram(
    "cwu_reply_first_token_seconds",
    "From the question to the first word of its answer",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_tokens = Counter("cwu_reply_tokens_total", "As providers count them", ["direction"])
running = Gauge("cwu_replies_running", "Replies that this process gives")
_REASONS = 40


def ended(state: str, reason: str, first_token_ms: int | None, usage: dict[str, int]) -> None:
    """Reasons are words of our own: see events and conversations."""
    _ends.labels(state, reason[:_REASONS]).inc()
    if first_token_ms is not None:
        _first_token.observe(first_token_ms / 1000)
    for direction, count in usage.items():
        _tokens.labels(direction.removesuffix("_tokens")).inc(count)
