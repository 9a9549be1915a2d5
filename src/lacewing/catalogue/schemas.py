"""What goes over the wire. Prices are exact all the way: decimal strings in every answer."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lacewing.accounts.public import Person
from lacewing.catalogue import rules
from lacewing.kernel.schemas import (
    CursorQuery,
    ExactInput,
    Line,
    SearchText,
    Text,
    exact,
    in_cents,
    split_values,
)


def _check_category(category: str) -> str:
    if "," in category:
        raise PydanticCustomError("category", "must not contain a comma")
    return category


Name = Annotated[Line, Field(max_length=rules.NAME_LENGTH_MAX, examples=["Standing desk"])]
Category = Annotated[
    Line,
    Field(max_length=rules.CATEGORY_LENGTH_MAX, examples=["furniture"]),
    AfterValidator(_check_category),
]
Price = Annotated[
    Decimal,
    Field(ge=0, le=rules.PRICE_MAX, examples=["9.99"]),
    BeforeValidator(exact),
    AfterValidator(in_cents),
]
Rating = Annotated[
    float,
    Field(ge=0, le=rules.RATING_MAX, examples=[4.56]),
    BeforeValidator(exact),
    AfterValidator(lambda rating: rating + 0.0),  # zero without a sign: its one spelling
]
"""A measure, not money: answered as a number, which two decimals pass through unharmed."""


class NewProduct(ExactInput):
    """A whole product, also to be put in the place of another one."""

    name: Name
    category: Category
    price: Price = Field(description="With at most two decimals, as a string or a number.")
    rating: Rating | None = Field(None, description="0 to 5, with at most two decimals.")


class ProductChange(ExactInput):
    """Only what is sent is changed; ``rating`` may be set to null."""

    name: Name = ""
    category: Category = ""
    price: Price = Decimal(0)
    rating: Rating | None = None


class ProductSort(StrEnum):
    PRICE = "price"
    RATING = "rating"
    CREATED = "created_at"


class SortOrder(StrEnum):
    ASCENDING = "asc"
    DESCENDING = "desc"


class ProductQuery(CursorQuery):
    UNBOUND: ClassVar[frozenset[str]] = CursorQuery.UNBOUND | {"facets"}

    search: SearchText | None = Field(
        None,
        description="Words of the name, or beginnings of them, all of which it must have; "
        '`"a phrase"`, `-without`.',
    )
    category: (
        Annotated[
            list[Text], BeforeValidator(split_values), Field(max_length=rules.FILTER_VALUES_MAX)
        ]
        | None
    ) = Field(None, description="One or more categories, comma-separated; any of them.")
    min_price: Price | None = Field(None, description="At least this price.")
    max_price: Price | None = Field(None, description="At most this price.")
    sort_by: ProductSort | None = Field(
        None,
        description="By the time of adding when left out. Products without a rating stand below "
        "the worst that has one.",
    )
    sort_order: SortOrder | None = Field(
        None,
        description="When left out, ascending where `sort_by` names a field, else newest first.",
    )
    facets: bool = Field(
        default=False,
        description="Whether to count the products of each category, under the same filters.",
    )


class ProductView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    category: str
    price: Decimal
    """A string with two decimals."""
    rating: float | None
    created_by: Person
    created_at: datetime
    updated_at: datetime


class FacetValue(msgspec.Struct, frozen=True):
    """A value of a field, and how many products have it."""

    value: str
    count: int


class Facets(msgspec.Struct, frozen=True):
    """Counts under the filters of the list: together as many products as it has."""

    category: list[FacetValue]
    """The largest first, at most a hundred."""
    others: int
    """How many products there are of further categories."""


class ProductPage(msgspec.Struct, frozen=True):
    """A page of products (API-5)."""

    data: list[ProductView]
    next_cursor: str | None
    has_more: bool
    facets: Facets | msgspec.UnsetType = msgspec.UNSET
    """Only where they are asked for."""


class CatalogueSummary(msgspec.Struct, frozen=True):
    """The whole catalogue (DASH-1)."""

    total_products: int
    average_rating: float | None
    """Of the products that have a rating; null when none has."""
    highest_priced_product: ProductView | None
    """Of several at that price the one that was added last."""
    recent_products: list[ProductView]
    """The newest five, the newest first."""
