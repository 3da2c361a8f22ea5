"""What a page holds and a browser does not show: the usual place for planted instructions."""

from lxml import html

STYLE = r"(display:none|visibility:hidden|font-size:0|opacity:0)([^.\d]|$)"
HIDDEN = (
    "//script | //style | //template | //noscript | //svg | //*[@hidden] | //*[@aria-hidden='true']"
    r" | //sup[re:test(., '^\s*\[\d+\]\s*$')]"  # footnote marks, which look like our citations
    f" | //*[re:test(translate(@style, ' \t\r\n', ''), '{STYLE}', 'i')]"
)


def drop(root: html.HtmlElement) -> None:
    for element in root.xpath(HIDDEN, namespaces={"re": "http://exslt.org/regular-expressions"}):
        if element.getparent() is not None:
            element.drop_tree()
