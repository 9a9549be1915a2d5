"""What others may use of the content."""

from lacewing.content.store.subjects import describe_collections, describe_posts

__all__ = ["describe_collections", "describe_posts"]
