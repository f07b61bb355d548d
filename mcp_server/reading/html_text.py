"""HTML as plain text."""

import re
from html.parser import HTMLParser

HIDDEN = frozenset({"script", "style", "template", "noscript", "head", "svg"})

BREAKING = frozenset({"br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "table", "section", "article", "hr", "h1",
                      "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dd", "dt"})  # fmt: skip
"""Elements whose beginning and end separate words."""


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden += 1
        elif tag in BREAKING:
            self.parts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BREAKING:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif tag in BREAKING:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain_text(html: str) -> str:
    """The text of HTML without tags, scripts and styles, and with single spaces."""
    parser = _Texts()
    parser.feed(_without_comments(html))
    parser.close()
    return re.sub(r"\s+", " ", "".join(parser.parts)).strip()


def _without_comments(html: str) -> str:
    """HTML without comments and declarations, as browsers understand them. The parser takes a time that grows with the
    square of their number, and fails on those that it does not know.
    """
    parts, end = list[str](), 0
    while (begin := html.find("<!", end)) >= 0:
        parts.append(html[end:begin])
        closing = "-->" if html.startswith("<!--", begin) else ">"
        closed = html.find(closing, begin)
        if closed < 0:
            return "".join(parts)
        end = closed + len(closing)
    return "".join([*parts, html[end:]])
