"""Routes of the webhooks."""
