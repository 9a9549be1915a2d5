from lacewing.kernel.errors import Forbidden, NotFound


class ProductNotFound(NotFound):
    code = "product-not-found"
    title = "There is no such product."


class NotYourProduct(Forbidden):
    code = "not-your-product"
    title = "Only who added the product, managers and administrators may change or delete it."
