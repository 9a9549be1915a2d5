from pydantic import BaseModel, Field, SecretStr

PASSPHRASE_LENGTH_MIN = 12


class BackupSettings(BaseModel, frozen=True):
    backup_passphrase: SecretStr | None = Field(
        None,
        min_length=PASSPHRASE_LENGTH_MIN,
        description="Seals backups, and opens them: at least 12 characters.",
    )
    backup_max_age_hours: int = Field(
        36,
        ge=0,
        le=8_760,
        description="`lacewing doctor` warns when the last backup is older; 0: it does not.",
    )
