from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from lacewing.kernel.settings import split_by_commas


class WebhooksSettings(BaseModel, frozen=True):
    webhook_private_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...], BeforeValidator(split_by_commas)
    ] = Field(
        (),
        description="Networks that are not public and that webhooks may call all the same, by "
        "plain `http` too; comma-separated, as in `10.0.0.0/8`.",
    )
    webhook_timeout_seconds: float = Field(
        15, gt=0, le=60, description="Time that a receiver has for its whole answer."
    )
    webhook_concurrency: int = Field(
        32, ge=1, le=1_000, description="Messages that one worker sends at a time."
    )
