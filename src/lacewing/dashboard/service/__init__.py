"""Use cases of the dashboard, one module a board."""
