"""The secrets that sign: shown once, then kept sealed under a key of this installation."""

from datetime import datetime
from typing import Final
from uuid import UUID

from lacewing.kernel.db import Session
from lacewing.kernel.db.encryption import FieldCipher, PersonalDataLocked
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Work
from lacewing.webhooks.signing import make_secret
from lacewing.webhooks.store import secrets as store
from lacewing.webhooks.store.secrets import SealedSecret

_CONTEXT: Final = "webhook_secrets.sealed"


async def add_secret(work: Work, cipher: FieldCipher, webhook_id: UUID) -> str:
    """A new secret of the webhook."""
    secret, secret_id = make_secret(), new_id()
    row = {
        "id": secret_id,
        "webhook_id": webhook_id,
        "sealed": cipher.seal(_CONTEXT, secret_id, secret),
        "created_at": work.now,
    }
    await store.insert_secret(work.session, row)
    return secret


async def list_signing_secrets(
    session: Session, cipher: FieldCipher, webhook_id: UUID, now: datetime
) -> list[str]:
    """Those that sign at ``now``, the newest first.

    None after an import, which brings no secrets, or where the key that sealed them is not here.
    """
    found = await store.list_signing(session, webhook_id, now)
    opened = (_open(cipher, each) for each in found)
    return [secret for secret in opened if secret is not None]


def _open(cipher: FieldCipher, secret: SealedSecret) -> str | None:
    try:
        return cipher.open(_CONTEXT, secret.id, secret.sealed)
    except PersonalDataLocked:
        return None
