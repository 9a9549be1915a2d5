"""Other trackers' issues: read, told apart, and kept as they were (UX-2)."""
