"""Parameters that several routes of this domain take."""

from typing import Annotated

from lacewing.content.permissions import Permission
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work

PostViewer = Annotated[Work, requires(Permission.POST_VIEW)]
PostCreator = Annotated[Work, requires(Permission.POST_CREATE)]
PostEditor = Annotated[Work, requires(Permission.POST_EDIT)]
CollectionViewer = Annotated[Work, requires(Permission.COLLECTION_VIEW)]
CollectionEditor = Annotated[Work, requires(Permission.COLLECTION_EDIT)]
