"""How it stands: figures over all, each with the list behind it."""
