"""FastAPI with the async ORM, written with care: no middleware at all, which flatters it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from bench.stacks import shared
from bench.stacks.models import PRIORITIES, Issue, IssueIn, IssueOut, Outbox, PageOut, Project, User

engine = create_async_engine(
    shared.DATABASE_URL.replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=shared.POOL_SIZE,
    max_overflow=30,
)
make_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_user(
    session: SessionDep, authorization: Annotated[str | None, Header()] = None
) -> User:
    user_id = shared.user_of(authorization)
    user = await session.get(User, user_id) if user_id else None
    if user is None or not user.is_active:
        raise HTTPException(401)
    return user


UserDep = Annotated[User, Depends(get_user)]
LOADED = (joinedload(Issue.project), joinedload(Issue.reporter), joinedload(Issue.assignee))


@app.get("/api/issues/{issue_id}", response_model=IssueOut)
async def read_issue(issue_id: UUID, session: SessionDep, user: UserDep) -> Any:
    issue = await session.get(Issue, issue_id, options=LOADED)
    if issue is None:
        raise HTTPException(404)
    return issue


@app.get("/api/projects/{project_id}/issues", response_model=PageOut)
async def list_issues(
    project_id: UUID,
    session: SessionDep,
    user: UserDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> Any:
    if await session.get(Project, project_id) is None:
        raise HTTPException(404)
    statement = select(Issue).where(Issue.project_id == project_id).options(*LOADED)
    if cursor:
        statement = statement.where(tuple_(Issue.created_at, Issue.id) < shared.read_cursor(cursor))
    statement = statement.order_by(Issue.created_at.desc(), Issue.id.desc()).limit(limit + 1)
    found = (await session.scalars(statement)).all()
    page, has_more = found[:limit], len(found) > limit
    last = shared.cursor_of(page[-1].created_at, page[-1].id) if has_more else None
    return {"data": page, "next_cursor": last, "has_more": has_more}


@app.post("/api/projects/{project_id}/issues", response_model=IssueOut, status_code=201)
async def create_issue(project_id: UUID, body: IssueIn, session: SessionDep, user: UserDep) -> Any:
    project = await session.get(Project, project_id, with_for_update=True)
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
    await session.commit()
    return issue
