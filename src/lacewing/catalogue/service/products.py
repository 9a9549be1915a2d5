from typing import Any
from uuid import UUID

import msgspec

from lacewing.accounts.public import Person
from lacewing.catalogue import errors, events
from lacewing.catalogue.permissions import may_edit_product
from lacewing.catalogue.rules import words_of
from lacewing.catalogue.schemas import (
    Facets,
    NewProduct,
    ProductQuery,
    ProductSort,
    ProductView,
    SortOrder,
)
from lacewing.catalogue.store import listing, products as store, search
from lacewing.catalogue.store.listing import ProductFilter
from lacewing.kernel import audit
from lacewing.kernel.errors import FieldError, Invalid
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work


async def list_products(work: Work, query: ProductQuery, page: PageRequest) -> Slice[ProductView]:
    """One page of the products that are not deleted (CAT-2).

    Raises:
        Invalid: the lowest price is above the highest.
    """
    newest_first = query.sort_by is None and query.sort_order is None
    return await listing.list_products(
        work.session,
        _filter(query),
        query.sort_by or ProductSort.CREATED,
        SortOrder.DESCENDING if newest_first else query.sort_order or SortOrder.ASCENDING,
        page,
    )


async def count_facets(work: Work, query: ProductQuery) -> Facets:
    """How many products of each category the filters leave.

    Raises:
        Invalid: as ``list_products``.
    """
    return await listing.count_by_category(work.session, _filter(query))


def _filter(query: ProductQuery) -> ProductFilter:
    low, high = query.min_price, query.max_price
    if low is not None and high is not None and low > high:
        msg = "min_price must not be above max_price"
        raise Invalid(
            *(
                FieldError(["query", name], msg, "price_range")
                for name in ("min_price", "max_price")
            ),
            detail=msg,
        )
    return ProductFilter(
        search=None if query.search is None else search.read_terms(query.search),
        category=tuple(dict.fromkeys(query.category or ())),
        min_price=low,
        max_price=high,
    )


async def get_product(work: Work, product_id: UUID) -> ProductView:
    """The product with this id.

    Raises:
        ProductNotFound: there is none, or it is deleted.
    """
    return _there(await store.find_product(work.session, product_id))


def _there(found: ProductView | None) -> ProductView:
    if found is None:
        raise errors.ProductNotFound
    return found


async def create_product(work: Work, wanted: NewProduct) -> ProductView:
    """A new product of the actor's (CAT-1)."""
    actor = work.actor
    product = ProductView(
        id=new_id(),
        name=wanted.name,
        category=wanted.category,
        price=wanted.price,
        rating=wanted.rating,
        created_by=Person(actor.id, actor.username, actor.full_name),
        created_at=work.now,
        updated_at=work.now,
    )
    row = store.row_of(product.id, wanted, actor.id, work.now, work.now)
    await store.insert_products(work.session, [row])
    await search.index_products(work.session, [(product.id, row["words"])])
    await emit(work, events.ProductCreated(product_id=product.id))
    return product


async def change_product(
    work: Work, product_id: UUID, changes: dict[str, Any], precondition: Precondition
) -> ProductView:
    """Change what ``changes`` names (CAT-1).

    Raises:
        ProductNotFound: there is none.
        NotYourProduct: somebody else added it.
        PreconditionFailed: it has changed since the client read it.
    """
    product = await _lock_for_change(work, product_id)
    precondition.check(product)
    different = {name: value for name, value in changes.items() if getattr(product, name) != value}
    if not different:
        return product
    await store.update_product(work.session, product_id, different, work.now)
    if "name" in different:
        await search.index_products(work.session, [(product_id, words_of(different["name"]))])
    await emit(work, events.ProductChanged(product_id=product_id, fields=sorted(different)))
    return msgspec.structs.replace(product, **different, updated_at=work.now)


async def delete_product(work: Work, product_id: UUID, precondition: Precondition) -> None:
    """Let the product be gone from every list and lookup; the database keeps it (CAT-1).

    Raises:
        ProductNotFound, NotYourProduct, PreconditionFailed: as ``change_product``.
    """
    product = await _lock_for_change(work, product_id)
    precondition.check(product)
    await store.delete_product(work.session, product_id, work.now)
    await search.forget_product(work.session, product_id)
    await emit(work, events.ProductDeleted(product_id=product_id))
    await audit.record(work, "product.delete", f"product:{product_id}")


async def _lock_for_change(work: Work, product_id: UUID) -> ProductView:
    product = _there(await store.lock_product(work.session, product_id))
    if not may_edit_product(work.actor, product.created_by.id):
        raise errors.NotYourProduct
    return product
