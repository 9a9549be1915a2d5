"""Parameters that several routes of this domain take."""

from typing import Annotated

from lacewing.catalogue.permissions import Permission
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work

ProductViewer = Annotated[Work, requires(Permission.PRODUCT_VIEW)]
ProductCreator = Annotated[Work, requires(Permission.PRODUCT_CREATE)]
ProductEditor = Annotated[Work, requires(Permission.PRODUCT_EDIT)]
