"""Routes of the tracker."""

from lacewing.tracker.http import comments, issues, projects

ROUTERS = (projects.router, issues.router, comments.router)
