"""Routes of the accounts."""
