from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

MIB = 1024 * 1024


def _split(value: Any) -> Any:
    """Comma-separated text, as an environment variable has it, to a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


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
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Origins whose pages may call this server, comma-separated."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_split)] = (
        Field(
            (),
            description="Networks of proxies whose `X-Forwarded-…` is believed, comma-separated.",
        )
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; without it, only this machine may read it."
    )
