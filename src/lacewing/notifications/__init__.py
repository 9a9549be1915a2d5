"""Who hears of what: live, and what happened while they were away."""
