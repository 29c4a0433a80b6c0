"""A page in Markdown says what the document says, whatever its texts are; read by another library."""

from markdown_it import MarkdownIt

from experiments.reporting.document import Document, Mark, Picture, Section, Table, Terms, Text, as_markdown
from experiments.reporting.plain_text import one_line
from tests.experiments.reporting.hostile import HOSTILE

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = Document(
    "Title",
    [
        Text("A paragraph."),
        Terms([("term", "what it is"), ("Why?", "so")]),
        Section("Part", [Table("What it shows", ["name", "sign"], [["a", Mark("helps", "good")]])], folded=True),
        Picture("one.png", "A picture.", ["<svg></svg>"]),
    ],
)


def said(token) -> str:
    """The text of a part of a line; of a picture the one that stands for it."""
    return "".join(map(said, token.children)) if token.children else token.content


def test_every_block_has_its_form():
    assert as_markdown(PLAIN) == (
        "# Title\n\nA paragraph.\n\n- **term**: what it is\n- **Why?** so\n\n## Part\n\nWhat it shows\n\n"
        "| name | sign |\n|---|---|\n| a | helps |\n\n![A picture.](figures/one.png)\n\nA picture.\n"
    )


def test_hostile_texts_come_out_as_texts():
    bad = HOSTILE
    parts = [
        bad.split("\x07")[1],
        "- item",
        "1. one",
        "+",
        "---",
        "===",
        "# head",
        "> said",
        "    code",
        "a\n|--|\n| b",
    ]
    table = Table(bad, [bad, "b"], [[bad, Mark(bad, "bad")]])
    blocks = [Text(bad), *map(Text, parts), Terms([(bad, bad)]), Section(bad, [table]), Picture("one.png", bad, [])]
    document = Document(bad, blocks)
    tokens = READER.parse(as_markdown(document))
    kinds = [token.type for token in tokens if token.type.endswith("_open")]
    before = ["heading", *["paragraph"] * (1 + len(parts)), "bullet_list", "list_item", "paragraph"]
    after = ["heading", "paragraph", "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", *["paragraph"] * 2]
    assert kinds == [f"{name}_open" for name in (*before, *after)]
    inline = [token.children for token in tokens if token.type == "inline"]
    assert {child.type for children in inline for child in children} == {"text", "strong_open", "strong_close", "image"}
    line = one_line(bad)
    texts = ["".join(map(said, children)) for children in inline]
    shown = [line, line, *map(one_line, parts), f"{line}: {line}", line, line, line, "b", line, line, line, line]
    assert texts == shown  # heads and paragraphs, the terms, then section, caption, table, picture and what is below it
