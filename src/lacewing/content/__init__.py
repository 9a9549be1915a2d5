"""Posts and collections: what the team tells each other, and what each keeps of it."""
