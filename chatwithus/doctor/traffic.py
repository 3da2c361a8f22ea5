"""What the web process counts: how often the cache spared a database, and whom limits turned away."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from chatwithus.doctor.findings import Skip, Trouble
from chatwithus.doctor.installation import Installation
from chatwithus.doctor.machine import address_of


def cache(installation: Installation) -> str:
    """Hits and misses since the web process began."""
    lookups = _counted(installation, "cwu_cache_lookups_total", by="outcome")
    if not lookups:
        raise Skip("nothing was asked of it yet")
    share = lookups["hit"] / lookups.total()
    return f"{lookups['hit']:,} of {lookups.total():,} questions answered from it ({share:.0%})"


def limits(installation: Installation) -> str:
    """Who comes through a proxy has to be told apart, and nobody may choose an address."""
    if "*" in installation.text("FORWARDED_ALLOW_IPS", ""):
        raise Trouble(
            "FORWARDED_ALLOW_IPS is *, so that everybody chooses the address that limits count",
            remedy="name the addresses of your proxies",
        )
    refused, uncounted = (
        _counted(installation, f"cwu_limit_{kind}_total", by="limit") for kind in ("refused", "uncounted")
    )
    told = [f"{name} {count:,}" for name, count in refused.most_common(3)]
    words = f"turned away {refused.total():,}" + (f" ({', '.join(told)})" if told else "")
    return words + (f", could not count {uncounted.total():,}" if uncounted else "")


def _counted(installation: Installation, name: str, *, by: str) -> Counter[str]:
    """A counter's values by one of its labels, from the web process of this machine. Raises Skip where none answers."""
    status, page = address_of(installation).get("/metrics")
    if status != 200:
        raise Skip("no web process answers here, so ask on the machine that runs it")
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            if sample.name == name:
                counted[sample.labels[by]] += int(sample.value)
    return counted
