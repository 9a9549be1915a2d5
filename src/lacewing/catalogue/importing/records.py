"""What an importer makes of a file of products: a JSON array of objects, as shops export them."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from pydantic import ValidationError

from lacewing.catalogue.schemas import NewProduct
from lacewing.kernel.records import BadRecord, UnreadableFile, read_json, require_moments

_EXTERNAL_ID_LENGTH_MAX: Final = 200


class ImportedProduct(msgspec.Struct, frozen=True):
    external_id: str
    """Its id where it comes from, behind the name of that source."""
    product: NewProduct
    created_at: datetime | None = None
    updated_at: datetime | None = None


Record = ImportedProduct | BadRecord


class ImportFile(msgspec.Struct, frozen=True):
    """The records of one file, and the name of what it comes from."""

    source: str
    count: int
    records: Iterator[Record]


class _Meta(msgspec.Struct, rename="camel"):
    created_at: datetime | None = None
    updated_at: datetime | None = None


class _Product(msgspec.Struct):
    """What is read of a record; what else it has is passed over."""

    id: int | str
    title: str
    category: str
    price: Decimal
    rating: Decimal | None = None
    meta: _Meta | None = None


def read_products(data: bytes, source: str) -> ImportFile:
    """The products of ``data``.

    Raises:
        UnreadableFile: it is no JSON array.
    """
    try:
        raws = read_json(data, list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"This is no JSON array of products: {error}") from error
    return ImportFile(source, len(raws), _records(raws, source))


def _records(raws: list[msgspec.Raw], source: str) -> Iterator[Record]:
    for place, raw in enumerate(raws, start=1):
        try:
            yield _imported(msgspec.json.decode(raw, type=_Product), source)
        except ValidationError as error:
            yield BadRecord(place, _told(error))
        except (msgspec.MsgspecError, ValueError) as error:
            yield BadRecord(place, str(error))


def _imported(record: _Product, source: str) -> ImportedProduct:
    meta = record.meta or _Meta()
    require_moments(meta.created_at, meta.updated_at)
    external_id = f"{source}#{record.id}"
    is_blank = not str(record.id).strip()
    if is_blank or len(external_id) > _EXTERNAL_ID_LENGTH_MAX or not external_id.isprintable():
        raise ValueError("id: must be a number or a short text on one line")
    return ImportedProduct(
        external_id,
        NewProduct(
            name=record.title, category=record.category, price=record.price, rating=record.rating
        ),
        meta.created_at,
        meta.updated_at,
    )


def _told(error: ValidationError) -> str:
    """Every field that is not as it must be, in words."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
