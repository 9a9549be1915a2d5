"""``GET /api/permissions``: what the asker may do, so that a client need not guess."""

from fastapi import Request, Response

from lacewing.accounts.http.parameters import Myself
from lacewing.accounts.schemas import GrantedPermission, PermissionsView
from lacewing.kernel.web.answers import answer
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.runtime import runtime_of

router = make_router("permissions")


@router.get(
    "/api/permissions",
    **documented(
        "Read what you may do",
        PermissionsView,
        description="Each permission there is, and whether you have it now: by your role and, for "
        "a personal access token, by its scopes. Whether you may change one certain thing is "
        "asked again when you do.",
    ),
)
async def read_permissions(request: Request, work: Myself) -> Response:
    table = runtime_of(request).permissions
    granted = table.granted(work.actor)
    return answer(
        PermissionsView(
            role=work.actor.role,
            scopes=None if work.actor.scopes is None else sorted(work.actor.scopes),
            project_ids=None if work.actor.project_ids is None else sorted(work.actor.project_ids),
            permissions=[
                GrantedPermission(name, allowed=name in granted) for name in sorted(table.grants)
            ],
        )
    )
