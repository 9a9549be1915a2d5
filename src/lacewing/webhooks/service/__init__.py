"""Use cases of webhooks, one function a verb."""
