"""Django REST framework, in one file: models on the same tables, serializers, generic checks."""

import os
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import django
from django.conf import settings

from bench.stacks import shared

_url = urlsplit(shared.DATABASE_URL)
settings.configure(
    DEBUG=False,
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path.lstrip("/"),
            "USER": _url.username,
            "HOST": _url.hostname,
            "PORT": _url.port,
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402  after the settings
from django.db import models, transaction  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import exceptions, serializers  # noqa: E402
from rest_framework.authentication import BaseAuthentication  # noqa: E402
from rest_framework.permissions import BasePermission  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

PRIORITIES = ("low", "medium", "high", "critical")


class User(models.Model):
    id = models.UUIDField(primary_key=True)
    username = models.TextField()
    full_name = models.TextField(null=True)
    role = models.TextField()
    is_active = models.BooleanField()

    class Meta:
        app_label, managed, db_table = "bench", False, "users"


class Project(models.Model):
    id = models.UUIDField(primary_key=True)
    key = models.TextField()
    name = models.TextField()
    is_archived = models.BooleanField()
    last_issue_number = models.IntegerField()

    class Meta:
        app_label, managed, db_table = "bench", False, "projects"


class Issue(models.Model):
    id = models.UUIDField(primary_key=True)
    project = models.ForeignKey(Project, models.PROTECT)
    number = models.IntegerField()
    title = models.TextField()
    description = models.TextField()
    description_html = models.TextField()
    status = models.TextField()
    priority_rank = models.SmallIntegerField(db_column="priority")
    reporter = models.ForeignKey(User, models.PROTECT, related_name="+")
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    due_date = models.DateField(null=True)
    due_order = models.DateField()
    labels = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    comment_count = models.IntegerField()

    class Meta:
        app_label, managed, db_table = "bench", False, "issues"

    @property
    def key(self) -> str:
        return f"{self.project.key}-{self.number}"

    @property
    def priority(self) -> str:
        return PRIORITIES[self.priority_rank]


class Outbox(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    at = models.DateTimeField()
    actor_id = models.UUIDField()
    data = models.JSONField()

    class Meta:
        app_label, managed, db_table = "bench", False, "outbox"


class PersonOut(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "full_name")


class ProjectOut(serializers.ModelSerializer):
    class Meta:
        model = Project
        fields = ("id", "key", "name")


class IssueOut(serializers.ModelSerializer):
    key = serializers.CharField()
    priority = serializers.CharField()
    project = ProjectOut()
    reporter = PersonOut()
    assignee = PersonOut()

    class Meta:
        model = Issue
        fields = (
            "id", "key", "title", "description", "description_html", "status", "priority",
            "project", "reporter", "assignee", "due_date", "labels", "created_at",
            "updated_at", "comment_count",
        )  # fmt: skip


class IssueIn(serializers.Serializer):
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=5000, allow_blank=True, default="")
    priority = serializers.ChoiceField(PRIORITIES, default="medium")
    labels = serializers.ListField(child=serializers.CharField(), max_length=20, default=list)


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        user_id = shared.user_of(request.headers.get("Authorization"))
        user = User.objects.filter(id=user_id, is_active=True).first() if user_id else None
        if user is None:
            raise exceptions.AuthenticationFailed
        return user, None


class IsActive(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_active)


class _View(APIView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsActive,)


LOADED = Issue.objects.select_related("project", "reporter", "assignee")


class OneIssue(_View):
    def get(self, request: Any, issue_id: UUID) -> Any:
        return Response(IssueOut(get_object_or_404(LOADED, id=issue_id)).data)


class IssuesOfProject(_View):
    def get(self, request: Any, project_id: UUID) -> Any:
        get_object_or_404(Project, id=project_id)
        limit = min(max(int(request.query_params.get("limit", 20)), 1), 100)
        found = LOADED.filter(project_id=project_id)
        if cursor := request.query_params.get("cursor"):
            at, last_id = shared.read_cursor(cursor)
            found = found.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=last_id))
        rows = list(found.order_by("-created_at", "-id")[: limit + 1])
        page, has_more = rows[:limit], len(rows) > limit
        last = shared.cursor_of(page[-1].created_at, page[-1].id) if has_more else None
        data = IssueOut(page, many=True).data
        return Response({"data": data, "next_cursor": last, "has_more": has_more})

    def post(self, request: Any, project_id: UUID) -> Any:
        given = IssueIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        with transaction.atomic():
            locked = Project.objects.select_for_update()
            project = get_object_or_404(locked, id=project_id, is_archived=False)
            project.last_issue_number += 1
            project.save(update_fields=["last_issue_number"])
            now = shared.now()
            issue = Issue.objects.create(
                id=uuid4(),
                project=project,
                number=project.last_issue_number,
                title=wanted["title"],
                description=wanted["description"],
                description_html=shared.html_of(wanted["description"]),
                status="open",
                priority_rank=PRIORITIES.index(wanted["priority"]),
                reporter=request.user,
                due_order=shared.NO_DUE_DATE,
                labels=wanted["labels"],
                created_at=now,
                updated_at=now,
                comment_count=0,
            )
            Outbox.objects.create(
                id=uuid4(),
                name="issue.created",
                at=now,
                actor_id=request.user.id,
                data={"issue_id": str(issue.id)},
            )
        return Response(IssueOut(issue).data, status=201)


urlpatterns = [
    path("api/issues/<uuid:issue_id>", OneIssue.as_view()),
    path("api/projects/<uuid:project_id>/issues", IssuesOfProject.as_view()),
]
application = get_wsgi_application()
