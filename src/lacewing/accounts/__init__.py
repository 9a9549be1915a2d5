"""Who is here: users, sessions, tokens. Other domains enter by ``accounts.public`` alone."""
