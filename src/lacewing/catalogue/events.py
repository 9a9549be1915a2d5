from uuid import UUID

from lacewing.kernel.events import Event


class ProductCreated(Event, frozen=True, tag="product.created"):
    """When somebody has added a product."""

    product_id: UUID


class ProductChanged(Event, frozen=True, tag="product.changed"):
    """When somebody has changed a product; ``fields`` are those that differ now."""

    product_id: UUID
    fields: list[str]


class ProductDeleted(Event, frozen=True, tag="product.deleted"):
    """When somebody has deleted a product, which nobody sees from then on."""

    product_id: UUID


class ProductsImported(Event, frozen=True, tag="products.imported"):
    """When an import has added products, once for each batch of them."""

    source: str
    count: int
