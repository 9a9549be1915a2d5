from lacewing.kernel.errors import Conflict, Forbidden, NotFound


class PostNotFound(NotFound):
    code = "post-not-found"
    title = "There is no such post."


class NotYourPost(Forbidden):
    code = "not-your-post"
    title = "Only its author and administrators may change or delete a post."


class CollectionNotFound(NotFound):
    code = "collection-not-found"
    title = "You have no such collection."


class CollectionFull(Conflict):
    code = "collection-full"
    title = "The collection holds as many posts as one may. Remove one first."
