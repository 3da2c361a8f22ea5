"""What was tried, what leaked, and what nobody tried."""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """One run. `leaks` of the pass with one wall are counted apart from those of the pass with both."""

    probes: int = 0
    routes: set[str] = field(default_factory=set)
    frames: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    uncovered: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    leaks: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})
    has_both_walls: bool = True

    @property
    def so_far(self) -> tuple[str, list[str]]:
        """This pass by its name, and what leaked in it."""
        return "both walls" if self.has_both_walls else "one wall", self.leaks[self.has_both_walls]

    def leak(self, what: str) -> None:
        if what not in self.leaks[self.has_both_walls]:
            self.leaks[self.has_both_walls].append(what)

    def miss(self, what: str, why: str) -> None:
        """`what` was found and could not be tried as its owner would use it."""
        self.uncovered.setdefault(what, why)

    @property
    def is_proven(self) -> bool:
        return not (self.uncovered or self.leaks[True] or self.leaks[False])

    @property
    def last_line(self) -> str:
        return (
            f"prove_isolation: {self.probes} probes, {len(self.routes)} routes, {len(self.frames)} frame types, "
            f"{len(self.tasks)} tasks, {len(self.leaks[True])} leaks (both walls); {len(self.leaks[False])} leaks (one wall)"
        )

    def report(self) -> list[str]:
        """For a person: what is wrong, one line each, then the last line."""
        lines = [f"uncovered: {what}: {why}" for what, why in sorted(self.uncovered.items())]
        lines += [f"leak: {what}" for what in self.leaks[True]]
        lines += [f"leak with one wall: {what}" for what in self.leaks[False]]
        return [*lines, self.last_line]
