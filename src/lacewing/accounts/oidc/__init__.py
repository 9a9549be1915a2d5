"""OpenID Connect: Lacewing as a relying party of identity providers (AUTH-12)."""
