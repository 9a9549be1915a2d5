"""Answers kept by idempotency key, so that a request sent twice is carried out once (API-8)."""
