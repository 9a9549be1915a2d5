"""What the use cases of webhooks are made of, put together once at start."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lacewing.kernel.db.encryption import FieldCipher
from lacewing.webhooks.addresses import Policy
from lacewing.webhooks.sending.resolving import Resolve, Resolver
from lacewing.webhooks.settings import WebhooksSettings

if TYPE_CHECKING:
    from lacewing.webhooks.sending.sender import Sender


@dataclass
class Webhooks:
    settings: WebhooksSettings
    policy: Policy
    cipher: FieldCipher
    """Seals the secrets that sign."""
    public_url: str | None = None
    """What links in messages begin with."""
    resolve: Resolve = field(default_factory=Resolver)
    _sender: "Sender | None" = None

    @classmethod
    def make(
        cls, settings: WebhooksSettings, secret: bytes, public_url: str | None, *, allows_http: bool
    ) -> "Webhooks":
        """With a sealing key made of ``secret``, which is this installation's."""
        key = hashlib.blake2b(secret, digest_size=32, person=b"lacewing-webhook").digest()
        policy = Policy(settings.webhook_private_networks, allows_http=allows_http)
        return cls(settings, policy, FieldCipher([key]), public_url)

    @property
    def sender(self) -> "Sender":
        if self._sender is None:
            # Imported at the first message: the HTTP client costs 6 MB of memory.
            from lacewing.webhooks.sending.sender import Sender  # noqa: PLC0415  as said

            seconds = self.settings.webhook_timeout_seconds
            self._sender = Sender(self.policy, self.resolve, seconds)
        return self._sender

    async def close(self) -> None:
        """Let threads and connections go."""
        if self._sender is not None:
            await self._sender.close()
        if isinstance(self.resolve, Resolver):
            self.resolve.close()
