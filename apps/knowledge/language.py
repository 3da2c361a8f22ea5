"""Which language a passage is written in, as the name of PostgreSQL's text search configuration for it."""

from collections.abc import Sequence

CONFIGURATIONS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "fi": "finnish", "fr": "french", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
OTHER = "simple"  # of a language without a stemmer
UNSURE = "english"
SURE = 0.9
ENOUGH = 80  # characters: fewer are judged by the document around them
MOST = 400  # of a piece; the detector takes time, and knows by then


def configurations(texts: Sequence[str]) -> list[str]:
    """One for each piece of a document: the piece's own language where it is long enough to tell, else the document's."""
    whole = _detected(" ".join(texts)[: 4 * MOST]) or UNSURE
    return [(len(text) >= ENOUGH and _detected(text[:MOST])) or whole for text in texts]


def _detected(text: str) -> str | None:
    # Imported here, because a web process imports the index to remove passages and has no detector.
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    DetectorFactory.seed = 0  # or the same text is now of this language, now of that
    try:
        best = detect_langs(text)[0]
    except LangDetectException:  # nothing but digits and signs
        return None
    return CONFIGURATIONS.get(best.lang, OTHER) if best.prob >= SURE else None
