from fastapi import Request, Response

from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.web.answers import IfMatch, answer, answer_changed, answer_thing
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker import errors
from lacewing.tracker.http.parameters import IssuePath, IssueViewer, IssueWatcher
from lacewing.tracker.schemas import Watch
from lacewing.tracker.service import watching

router = make_router("issues")


@router.get(
    "/api/issues/{issue}/watch",
    **documented(
        "Read whether you watch an issue",
        Watch,
        errors=(errors.IssueNotFound,),
        also={304: None},
    ),
)
async def read_watch(request: Request, work: IssueViewer, issue: IssuePath) -> Response:
    return answer_thing(request, await watching.get_watch(work, issue))


@router.post(
    "/api/issues/{issue}/watch",
    **documented("Watch an issue", Watch, errors=(errors.IssueNotFound,)),
)
async def watch_issue(work: IssueWatcher, issue: IssuePath) -> Response:
    return answer(await watching.watch(work, issue, Precondition(), is_watching=True))


@router.delete(
    "/api/issues/{issue}/watch",
    **documented("Hear no more of an issue", Watch, errors=(errors.IssueNotFound,)),
)
async def unwatch_issue(work: IssueWatcher, issue: IssuePath, precondition: IfMatch) -> Response:
    return answer_changed(await watching.watch(work, issue, precondition, is_watching=False))
