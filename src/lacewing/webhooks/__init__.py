"""Webhooks: a project tells other servers what happens in it (standardwebhooks.com)."""
