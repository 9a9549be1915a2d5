from lacewing.kernel.errors import Conflict, Forbidden, NotFound


class ProjectNotFound(NotFound):
    code = "project-not-found"
    title = "There is no such project."


class ProjectKeyTaken(Conflict):
    code = "project-key-taken"
    title = "There is a project with this key already."


class ProjectNameTaken(Conflict):
    code = "project-name-taken"
    title = "There is a project with this name already."


class ProjectArchived(Conflict):
    code = "project-archived"
    title = "The project is archived: nothing in it can be changed until it is brought back."


class NotYourProject(Forbidden):
    code = "not-your-project"
    title = "Only the project's creator (while a manager) and administrators may do this."


class IssueNotFound(NotFound):
    code = "issue-not-found"
    title = "There is no such issue."


class NotYourIssue(Forbidden):
    code = "not-your-issue"
    title = "Only the issue's reporter and assignee, managers and administrators may change it."


class NotYoursToAssign(Forbidden):
    code = "not-yours-to-assign"
    title = "Only the issue's reporter, managers and administrators may change its assignee."


class TransitionNotAllowed(Conflict):
    """``allowed`` lists the statuses that the issue may go to."""

    code = "transition-not-allowed"
    title = "The issue can't go from its status to that one."


class CommentNeeded(Conflict):
    code = "comment-needed"
    title = "A critical issue can't be closed without at least one comment."


class CommentNotFound(NotFound):
    code = "comment-not-found"
    title = "There is no such comment."


class NotYourComment(Forbidden):
    code = "not-your-comment"
    title = "Only its author may change a comment."
