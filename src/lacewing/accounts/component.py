"""What the use cases of accounts are made of, put together once at start."""

from dataclasses import dataclass, field

from lacewing.accounts.keys import Keys
from lacewing.accounts.last_uses import LastUses
from lacewing.accounts.passwords import Passwords
from lacewing.accounts.settings import AccountsSettings
from lacewing.accounts.tokens import Tokens


@dataclass(frozen=True)
class Accounts:
    settings: AccountsSettings
    passwords: Passwords
    tokens: Tokens
    keys: Keys
    last_uses: LastUses = field(default_factory=LastUses)
