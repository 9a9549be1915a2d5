"""The same tables as ORM models, for the two stacks on SQLAlchemy's ORM; and what they answer."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

PRIORITIES = ("low", "medium", "high", "critical")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    full_name: Mapped[str | None]
    role: Mapped[str]
    is_active: Mapped[bool]


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    is_archived: Mapped[bool]
    last_issue_number: Mapped[int]


class Issue(Base):
    __tablename__ = "issues"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    title: Mapped[str]
    description: Mapped[str]
    description_html: Mapped[str]
    status: Mapped[str]
    priority_rank: Mapped[int] = mapped_column("priority")
    reporter_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    due_date: Mapped[date | None]
    due_order: Mapped[date]
    labels: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    comment_count: Mapped[int]
    project: Mapped[Project] = relationship(lazy="raise")
    reporter: Mapped[User] = relationship(lazy="raise", foreign_keys=[reporter_id])
    assignee: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[assignee_id])

    @property
    def key(self) -> str:
        return f"{self.project.key}-{self.number}"

    @property
    def priority(self) -> str:
        return PRIORITIES[self.priority_rank]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    actor_id: Mapped[UUID]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PersonOut(_Out):
    id: UUID
    username: str
    full_name: str | None


class ProjectOut(_Out):
    id: UUID
    key: str
    name: str


class IssueOut(_Out):
    id: UUID
    key: str
    title: str
    description: str
    description_html: str
    status: str
    priority: str
    project: ProjectOut
    reporter: PersonOut
    assignee: PersonOut | None
    due_date: date | None
    labels: list[str]
    created_at: datetime
    updated_at: datetime
    comment_count: int


class PageOut(_Out):
    data: list[IssueOut]
    next_cursor: str | None
    has_more: bool


class IssueIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=5000)
    priority: str = Field("medium", pattern="^(low|medium|high|critical)$")
    labels: list[str] = Field(default_factory=list, max_length=20)
