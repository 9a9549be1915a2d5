"""What the use cases of accounts are made of, put together once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lacewing.accounts.keys import Keys
from lacewing.accounts.last_uses import LastUses
from lacewing.accounts.oidc.provider import Provider
from lacewing.accounts.passwords import Passwords
from lacewing.accounts.settings import AccountsSettings
from lacewing.accounts.tokens import Tokens


@dataclass(frozen=True)
class Accounts:
    settings: AccountsSettings
    passwords: Passwords
    tokens: Tokens
    keys: Keys
    providers: Mapping[str, Provider] = field(default_factory=dict)
    """Identity providers by name."""
    last_uses: LastUses = field(default_factory=LastUses)

    async def close(self) -> None:
        """Let threads and connections go."""
        self.passwords.close()
        for provider in self.providers.values():
            await provider.close()
