"""The comparison that Lacewing is judged by (see README.md here)."""
