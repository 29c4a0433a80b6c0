"""Texts that mean something to a page, a terminal or a formula; and a reader of HTML that is strict."""

from html.parser import HTMLParser

HOSTILE = (
    '<script>alert(1)</script> "><img src=x onerror=alert(1)> </td></table> | a \\| b `code` **bold** _it_ ~~no~~ '
    "[link](http://evil.example/) https://evil.example www.evil.example $\\frac{1}$ $x {{ 7 * 7 }} {% raw %} &lt; "
    "&#60; \x1b[31m \x00 \x07 \u202e \u2066 \ud800 \r\n\r\n# head\n- item\n1. one\n> said\n---\n```\ncode"
)
EMPTY = ("meta", "img", "br", "link", "input", "hr", "path", "use", "rect")  # elements that need no end
FORBIDDEN = ("script", "iframe", "object", "embed", "img", "link", "a", "form", "base", "video", "audio", "source")


class Strict(HTMLParser):
    """Elements, attributes and text of a page. Fails where an element is closed that is not open."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.said = ""  # all text outside style, on one line
        self.feed(text)
        self.close()
        assert self.open == []
        self.said = " ".join(self.said.split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in EMPTY:
            assert self.open.pop() == tag, f"{tag} is closed out of order"

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.said += data


def assert_closed(text: str) -> Strict:
    """The page parsed: well-formed, it runs nothing, fetches nothing and leads nowhere."""
    page = Strict(text)
    assert not {tag for tag, _ in page.elements} & set(FORBIDDEN)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert all((attributes.get(name) or "#").startswith("#") for name in ("href", "xlink:href", "src")), tag
    references = text.replace("url(#", "")
    assert "url(" not in references
    assert "@import" not in references
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    return page
