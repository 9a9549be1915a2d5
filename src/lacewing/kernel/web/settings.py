import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, field_validator

from lacewing.kernel.settings import split_by_commas

MIB = 1024 * 1024
_ORIGIN = re.compile(r"https?://[^/?#@\s]+")
"""What browsers send as one: without a path, and never `null`, which any page can have."""


class WebSettings(BaseModel, frozen=True):
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+$",
        description="What clients call this server, as in `https://tracker.example.com`.",
    )
    body_limit_bytes: int = Field(
        MIB, ge=1_024, le=1_024 * MIB, description="Larger bodies get 413."
    )
    rate_limit_per_minute: int = Field(
        100,
        ge=0,
        le=10_000_000,
        description="Requests a minute per client address; 0 turns all limits per address off.",
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(split_by_commas)] = Field(
        (), description="Origins whose pages may call this server, comma-separated."
    )
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], BeforeValidator(split_by_commas)
    ] = Field(
        (),
        description="Networks of proxies whose `X-Forwarded-…` is believed, comma-separated.",
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; without it, only this machine may read it."
    )

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin, as in https://app.example.com")
        return origins
