from pydantic import BaseModel, Field, SecretStr

from lacewing.accounts.rules import JwtAlgorithm


class AccountsSettings(BaseModel, frozen=True):
    open_registration: bool = Field(True, description="Whether anybody may register.")
    jwt_algorithm: JwtAlgorithm = Field(
        JwtAlgorithm.ES256, description="How access tokens are signed: `ES256` or `RS256`."
    )
    login_limit_per_minute: int = Field(
        5, ge=0, le=100_000, description="Login tries per account and per address; 0: off."
    )
    register_limit_per_minute: int = Field(
        10, ge=0, le=100_000, description="Registrations per address."
    )
    refresh_limit_per_minute: int = Field(
        30, ge=0, le=100_000, description="Refreshed token pairs per address."
    )


class ProviderSettings(BaseModel, frozen=True):
    """One OpenID Connect provider; its variables carry its name."""

    client_id: str = Field(
        min_length=1,
        description="The client id that the provider gave this server. Another provider: its name "
        "in place of `GOOGLE`.",
    )
    client_secret: SecretStr = Field(min_length=1, description="The secret that goes with it.")
    discovery_url: str = Field(
        pattern=r"^(https://|http://(127\.0\.0\.1|\[::1\]|localhost)[:/]).*"
        r"/\.well-known/openid-configuration$",
        description="Where the provider's metadata is; by default Google's, for `GOOGLE`.",
    )
