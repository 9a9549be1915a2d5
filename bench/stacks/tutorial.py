"""FastAPI as tutorials teach it: the sync ORM, ``def`` endpoints, three ``BaseHTTPMiddleware``."""

import logging
import time
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from sqlalchemy import create_engine, select, tuple_
from sqlalchemy.orm import Session, joinedload, sessionmaker
from starlette.middleware.base import BaseHTTPMiddleware

from bench.stacks import shared
from bench.stacks.models import PRIORITIES, Issue, IssueIn, IssueOut, Outbox, PageOut, Project, User

engine = create_engine(
    shared.DATABASE_URL.replace("postgresql://", "postgresql+psycopg://"),
    pool_size=shared.POOL_SIZE,
    max_overflow=30,
)
make_session = sessionmaker(engine, expire_on_commit=False)
log = logging.getLogger("access")
app = FastAPI()


class RequestId(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["X-Request-ID"] = request.headers.get("X-Request-ID", str(uuid4()))
        return response


class AccessLog(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        started = time.perf_counter()
        response = await call_next(request)
        seconds = time.perf_counter() - started
        log.info("%s %s %s %.4f", request.method, request.url.path, response.status_code, seconds)
        return response


class SecurityHeaders(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response


for middleware in (SecurityHeaders, AccessLog, RequestId):
    app.add_middleware(middleware)


def get_session() -> Iterator[Session]:
    with make_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_user(session: SessionDep, authorization: Annotated[str | None, Header()] = None) -> User:
    user_id = shared.user_of(authorization)
    user = session.get(User, user_id) if user_id else None
    if user is None or not user.is_active:
        raise HTTPException(401)
    return user


UserDep = Annotated[User, Depends(get_user)]
LOADED = (joinedload(Issue.project), joinedload(Issue.reporter), joinedload(Issue.assignee))


@app.get("/api/issues/{issue_id}", response_model=IssueOut)
def read_issue(issue_id: UUID, session: SessionDep, user: UserDep) -> Any:
    issue = session.get(Issue, issue_id, options=LOADED)
    if issue is None:
        raise HTTPException(404)
    return issue


@app.get("/api/projects/{project_id}/issues", response_model=PageOut)
def list_issues(
    project_id: UUID,
    session: SessionDep,
    user: UserDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> Any:
    if session.get(Project, project_id) is None:
        raise HTTPException(404)
    statement = select(Issue).where(Issue.project_id == project_id).options(*LOADED)
    if cursor:
        statement = statement.where(tuple_(Issue.created_at, Issue.id) < shared.read_cursor(cursor))
    statement = statement.order_by(Issue.created_at.desc(), Issue.id.desc()).limit(limit + 1)
    found = session.scalars(statement).all()
    page, has_more = found[:limit], len(found) > limit
    last = shared.cursor_of(page[-1].created_at, page[-1].id) if has_more else None
    return {"data": page, "next_cursor": last, "has_more": has_more}


@app.post("/api/projects/{project_id}/issues", response_model=IssueOut, status_code=201)
def create_issue(project_id: UUID, body: IssueIn, session: SessionDep, user: UserDep) -> Any:
    project = session.get(Project, project_id, with_for_update=True)
    if project is None or project.is_archived:
        raise HTTPException(404 if project is None else 409)
    project.last_issue_number += 1
    now = shared.now()
    issue = Issue(
        id=uuid4(),
        project=project,
        number=project.last_issue_number,
        title=body.title,
        description=body.description,
        description_html=shared.html_of(body.description),
        status="open",
        priority_rank=PRIORITIES.index(body.priority),
        reporter=user,
        assignee=None,
        due_order=shared.NO_DUE_DATE,
        labels=body.labels,
        created_at=now,
        updated_at=now,
        comment_count=0,
    )
    session.add(issue)
    data = {"issue_id": str(issue.id)}
    session.add(Outbox(id=uuid4(), name="issue.created", at=now, actor_id=user.id, data=data))
    session.commit()
    return issue
