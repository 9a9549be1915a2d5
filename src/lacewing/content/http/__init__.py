"""Routes of posts and collections."""
