import re

from tests.support.house import Member
from tests.tracker.acts import Json, change, new_comment, new_issue, read

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "![a](data:text/html;base64,PHNjcmlwdD4=)",
    "<a href='javascript:alert(1)'>a</a>",
    "<javascript:alert(1)>",
    '<p style="position:fixed">a</p>',
    "<svg/onload=alert(1)>",
    "<iframe src=https://example.com></iframe>",
    '[a](https://example.com "onmouseover=alert(1)")',
    "```<script>\nalert(1)\n```",
    "[a]: javascript:alert(1)\n\n[a]",
    "<details open ontoggle=alert(1)>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
]
TAG = re.compile(r"<[^>]*>")


async def test_markdown_is_shown_as_html(maria: Member, project: Json) -> None:
    """ISS-2, COM-2, SEC-5: with tables and strikethrough; links tell the target nothing."""
    text = "# H\n\n- **b** ~~s~~ `c`\n\n|a|\n|-|\n|1|\n\n[l](https://example.com)\n"

    issue = await new_issue(maria, project, description=text)
    comment = await new_comment(maria, issue, text)

    html = issue["description_html"]
    for part in ("<h1>", "<li>", "<strong>", "<s>", "<code>", "<table>", 'href="https://example'):
        assert part in html
    assert "noopener" in html
    assert comment["content_html"] == html
    assert issue["description"] == comment["content"] == text


async def test_nothing_that_runs_survives(maria: Member, issue: Json) -> None:
    """SEC-5: in descriptions and comments, new and edited, and in what is read again."""
    comment = await new_comment(maria, issue)
    for text in HOSTILE:
        changed = (await change(maria, issue, description=text)).json()
        path = f"/api/comments/{comment['id']}"
        edited = (await maria.api.patch(path, json={"content": text})).json()
        created = await new_comment(maria, issue, text)
        shown = await read(maria, f"/api/issues/{issue['id']}")

        assert shown["description_html"] == changed["description_html"]
        for html in (changed["description_html"], edited["content_html"], created["content_html"]):
            for tag in TAG.findall(html.lower()):
                assert not re.match(r"</?(script|iframe|svg|math|details|style)", tag), html
                assert "javascript:" not in tag
                assert "data:" not in tag
                assert " style=" not in tag
                assert not re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag)), html


async def test_the_longest_and_deepest_text_is_shown(maria: Member, project: Json) -> None:
    """SEC-5, ISS-2: a text made to be slow ends all the same."""
    for text in (">" * 5_000, "- " * 2_500, "[" * 5_000, "*a " * 1_666, "`" * 5_000, "|a" * 2_500):
        issue = await new_issue(maria, project, description=text)

        assert issue["description"] == text
        assert issue["description_html"]
