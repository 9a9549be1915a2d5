"""Use cases of posts and collections, one function a verb."""
