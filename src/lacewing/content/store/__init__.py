"""All SQL of posts and collections."""
