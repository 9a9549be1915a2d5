"""Markdown to safe HTML: rendered without raw HTML, then sanitised against explicit lists."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import nh3
from markdown_it import MarkdownIt

Result = TypeVar("Result")

INLINE_LENGTH_MAX: Final = 2_000
"""Characters rendered on the event loop (well under a millisecond); longer ones go to a thread."""
NESTING_MAX: Final = 20
"""Levels of lists and quotes: the sanitiser's cost grows with the square of the nesting."""

_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_SCHEMES: Final = frozenset({"http", "https", "mailto"})

_markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING_MAX}).enable(
    ["table", "strikethrough"]
)
_cleaner = nh3.Cleaner(
    tags=set(_TAGS),
    attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
    url_schemes=set(_SCHEMES),
    link_rel="nofollow noopener noreferrer",
    strip_comments=True,
)
_renderers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="markdown")


def render(text: str) -> str:
    """Safe HTML of ``text`` (CommonMark with tables and strikethrough)."""
    return _cleaner.clean(_markdown.render(text))


def plain_texts(text: str) -> Iterator[str]:
    """The pieces of ``text`` that a reader sees as prose: no code, no targets of links."""
    for block in _markdown.parse(text):
        for piece in block.children or ():
            if piece.type == "text":
                yield piece.content


async def render_off_loop(text: str) -> str:
    """As ``render``, without holding up the event loop for a long text."""
    return await off_loop(render, text)


async def off_loop(read: Callable[[str], Result], text: str) -> Result:
    """``read(text)``, which parses it as Markdown: in a thread if it is long."""
    if len(text) <= INLINE_LENGTH_MAX:
        return read(text)
    return await asyncio.get_running_loop().run_in_executor(_renderers, read, text)
