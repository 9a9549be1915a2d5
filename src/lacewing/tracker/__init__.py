"""Projects, issues and comments: what is wrong, and who fixes it."""
