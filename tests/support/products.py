"""Very many products, made inside the database: what clients add takes minutes."""

import sqlite3
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

CATEGORIES: Final = 24
PRICES: Final = 100_003
"""In cents; a prime, so that prices are spread over all products."""

_SQLITE: Final = (
    """
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :count)
INSERT INTO products (id, name, words, category, price, rating, rating_order, created_by,
                      created_at, updated_at, deleted_at)
SELECT printf('%032x', n), name, ' ' || lower(name),
       'category ' || (n % 24), n * 7919 % 100003, iif(n % 10, n * 104729 % 501, NULL),
       iif(n % 10, n * 104729 % 501, -1), :owner,
       strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n, 'unixepoch'),
       iif(n % 20, NULL, '2026-01-01T00:00:00.000000Z')
FROM (
    SELECT n, 'Thing ' || n || iif(n % 2, ' large', ' small') || iif(n % 9973 = 1, ' rare', '')
               AS name
    FROM counted
)
""",
    """
INSERT INTO product_search_rows (product_id, row_id)
SELECT id, rowid FROM products WHERE deleted_at IS NULL
""",
    """
INSERT INTO product_words (rowid, words)
SELECT rowid, words FROM products WHERE deleted_at IS NULL
""",
)
_POSTGRES: Final = (
    """
INSERT INTO products (id, name, words, category, price, rating, rating_order, created_by,
                      created_at, updated_at, deleted_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, name, ' ' || lower(name),
       'category ' || (n % 24), n::bigint * 7919 % 100003, rating, coalesce(rating, -1), $2, at, at,
       CASE WHEN n % 20 = 0 THEN timestamptz '2026-01-01 00:00Z' END
FROM generate_series(1, $1) AS n
CROSS JOIN LATERAL (
    SELECT to_timestamp(1700000000 + n) AS at,
           CASE WHEN n % 10 <> 0 THEN n::bigint * 104729 % 501 END AS rating,
           'Thing ' || n || CASE WHEN n % 2 = 1 THEN ' large' ELSE ' small' END ||
               CASE WHEN n % 9973 = 1 THEN ' rare' ELSE '' END AS name
) AS made
""",
    """
INSERT INTO product_search (product_id, words)
SELECT id, array_to_tsvector(string_to_array(trim(words), ' '))
FROM products WHERE deleted_at IS NULL
""",
)


async def fill_products(database_url: str, owner: UUID, count: int) -> None:
    """Add ``count`` products of ``owner``; one in twenty is deleted, one in ten has no rating."""
    if database_url.startswith("sqlite"):
        _fill_sqlite(Path(database_url.removeprefix("sqlite:///")), owner, count)
        return
    connection = await asyncpg.connect(database_url)
    try:
        add, index = _POSTGRES
        await connection.execute(add, count, owner)
        await connection.execute(index)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _fill_sqlite(file: Path, owner: UUID, count: int) -> None:
    connection = sqlite3.connect(file)
    try:
        add, *index = _SQLITE
        connection.execute(add, {"count": count, "owner": owner.hex})
        for statement in index:
            connection.execute(statement)
        connection.commit()
    finally:
        connection.close()
