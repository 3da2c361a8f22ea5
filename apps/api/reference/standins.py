"""Stand-ins in the examples, of which the documentation page replaces the agent's where a demo is open."""

AGENT = "7d8f1f5e-9a53-4f52-9b0c-3c0d0f0b8a10"
KEY = "cwu_sk_…"
CHAT = "0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11"
KNOWLEDGE = "c0a8012e-0000-4000-8000-000000000001"
THING = "0d9a6a0e-5f3c-4a55-8f5e-1b8f0c1a2b3c"
QUESTION = "How long do I have to return something?"
ANSWER = "You have 30 days. [1]"
AT = "2026-01-01T12:00:00.000Z"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITATION = {
    "number": 1,
    "title": "Returns",
    "url": None,
    "quote": "You have 30 days.",
    "knowledge": KNOWLEDGE,
    "page": None,
    "at": None,
}
