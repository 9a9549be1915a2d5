from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query, Request, Response

from lacewing.catalogue import errors
from lacewing.catalogue.http.parameters import ProductCreator, ProductEditor, ProductViewer
from lacewing.catalogue.schemas import (
    NewProduct,
    ProductChange,
    ProductPage,
    ProductQuery,
    ProductView,
)
from lacewing.catalogue.service import products
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_created,
    answer_thing,
    no_content,
    page_of,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router

router = make_router("products")


@router.get("/api/products", **documented("List products", ProductPage))
async def list_products(
    request: Request, work: ProductViewer, query: Annotated[ProductQuery, Query()]
) -> Response:
    found = await products.list_products(work, query, read_page(request, query))
    page = page_of(request, query, found)
    facets = await products.count_facets(work, query) if query.facets else msgspec.UNSET
    return answer(ProductPage(page.data, page.next_cursor, page.has_more, facets))


@router.post("/api/products", **documented("Add a product", ProductView, 201))
async def create_product(work: ProductCreator, body: NewProduct) -> Response:
    product = await products.create_product(work, body)
    return answer_created(product, f"/api/products/{product.id}")


@router.get(
    "/api/products/{product_id}",
    **documented("Read a product", ProductView, errors=(errors.ProductNotFound,)),
)
async def read_product(request: Request, work: ProductViewer, product_id: UUID) -> Response:
    return answer_thing(request, await products.get_product(work, product_id))


@router.put(
    "/api/products/{product_id}",
    **documented(
        "Replace a product: what is left out is taken away",
        ProductView,
        errors=(errors.ProductNotFound, errors.NotYourProduct),
    ),
)
async def replace_product(
    work: ProductEditor, product_id: UUID, body: NewProduct, precondition: IfMatch
) -> Response:
    wanted = body.model_dump()
    return answer_changed(await products.change_product(work, product_id, wanted, precondition))


@router.patch(
    "/api/products/{product_id}",
    **documented(
        "Change a product",
        ProductView,
        errors=(errors.ProductNotFound, errors.NotYourProduct),
    ),
)
async def change_product(
    work: ProductEditor, product_id: UUID, body: ProductChange, precondition: IfMatch
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    return answer_changed(await products.change_product(work, product_id, changes, precondition))


@router.delete(
    "/api/products/{product_id}",
    **documented(
        "Delete a product; the database keeps it, nobody sees it any more",
        None,
        204,
        (errors.ProductNotFound, errors.NotYourProduct),
    ),
)
async def delete_product(work: ProductEditor, product_id: UUID, precondition: IfMatch) -> Response:
    await products.delete_product(work, product_id, precondition)
    return no_content()
