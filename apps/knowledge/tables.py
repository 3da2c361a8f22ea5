"""Tables as lines of words: each row repeats the names of its columns, so that it can be found and quoted alone."""

from collections.abc import Iterable
from itertools import zip_longest

from lxml import html


def rows(table: str) -> list[str]:
    """`Day: Sunday; Opening hours: 11:00-16:00` for each row of an HTML table."""
    return named(map(_cells, html.fromstring(table).iter("tr")))


def named(table: Iterable[list[str]]) -> list[str]:
    """The same for rows of cells."""
    cells = [[" ".join(cell.split()) for cell in row] for row in table if any(map(str.strip, row))]
    if len(cells) > 1 and _is_header(cells[0]):
        return [_named(cells[0], row) for row in cells[1:]]
    return ["; ".join(filter(None, row)) for row in cells]


def _cells(row: html.HtmlElement) -> list[str]:
    return [str(cell.text_content()) for cell in row.iterchildren("td", "th")]


def _is_header(cells: list[str]) -> bool:
    """Names of columns are short, all there, all different, and not numbers."""
    return (
        len(cells) > 1
        and all(cells[1:])
        and len(set(cells)) == len(cells)
        and max(map(len, cells)) <= 60
        and not any(cell[0].isdigit() for cell in cells if cell)
    )


def _named(header: list[str], row: list[str]) -> str:
    pairs = zip_longest(header, row, fillvalue="")
    return "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
