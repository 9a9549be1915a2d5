"""What a seeded team has told each other, and a collection of it."""

from datetime import timedelta
from typing import Final

from lacewing.content.schemas import NewCollection, NewPost, PostQuery
from lacewing.content.service import collections, posts
from lacewing.kernel.actor import Actor
from lacewing.kernel.pagination import PageRequest
from lacewing.kernel.work import Work

_RELEASES: Final = """\
From next week on a release leaves **every Tuesday at ten**. What is not merged on Monday evening
waits for a week.

- Hot fixes may leave at any time.
- On Fridays nothing leaves.
"""
_FULL_DISK: Final = """\
At 02:10 the disk of the log server was full, at 02:14 the shop stood still.

1. The alarm came at 95 %, which was too late: it comes at 80 % now.
2. Logs are cut off after `14` days.
3. The shop no longer waits for its logs.
"""
_ONE_MODULE: Final = """\
```sh
pytest tests/shop -k basket
```

A whole run takes six minutes, this one four seconds.
"""
_UMLAUTS: Final = """\
Names were compared byte by byte. Now they are compared in one **normal form**, so that *Jörg* is
found however he is typed.
"""
_WELCOME: Final = """\
> Ask early, ask twice.

Your first week: read the posts of this collection, pair with somebody each day, and close one small
issue.
"""
POSTS: Final = (
    ("lena", "Releases leave on Tuesdays", _RELEASES),
    ("omar", "What we learned from the night of the full disk", _FULL_DISK),
    ("dora", "How to run the tests of a single module", _ONE_MODULE),
    ("devi", "Umlauts in names: solved", _UMLAUTS),
    ("miro", "Welcome to the team", _WELCOME),
)
COLLECTION: Final = ("miro", "For new colleagues", (4, 0, 2))
"""Whose it is, its name, and the places of its posts above."""


async def seed_content(work: Work, actors: dict[str, Actor], counts: dict[str, int]) -> None:
    """Write the posts a day apart and collect some, unless these people have written before."""
    theirs = PostQuery(author=[author for author, _, _ in POSTS])
    found = await posts.list_posts(work, theirs, PageRequest(limit=1))
    if found.items:
        return
    now = work.now
    written = []
    for age, (author, title, body) in zip(range(len(POSTS), 0, -1), POSTS, strict=True):
        work.now, work.found_actor = now - timedelta(days=age), actors[author]
        written.append(await posts.create_post(work, NewPost(title=title, body=body)))
    owner, name, places = COLLECTION
    work.now, work.found_actor = now, actors[owner]
    post_ids = [written[place].id for place in places]
    await collections.create_collection(work, NewCollection(name=name, post_ids=post_ids))
    counts["posts"] += len(written)
    counts["collections"] += 1
