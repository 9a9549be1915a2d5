"""None of them names its project: who may see a project need not know of its webhooks."""

from uuid import UUID

from lacewing.kernel.events import Event


class WebhookCreated(Event, frozen=True, tag="webhook.created"):
    """Somebody has added a webhook to a project."""

    webhook_id: UUID


class WebhookChanged(Event, frozen=True, tag="webhook.changed"):
    """Somebody has changed fields of a webhook, or switched it on or off."""

    webhook_id: UUID
    fields: list[str]


class WebhookDeleted(Event, frozen=True, tag="webhook.deleted"):
    """Somebody has deleted a webhook, with its deliveries."""

    webhook_id: UUID


class WebhookSecretRotated(Event, frozen=True, tag="webhook.secret_rotated"):
    """Somebody has given a webhook a new secret."""

    webhook_id: UUID


class WebhookTested(Event, frozen=True, tag="webhook.tested"):
    """Somebody has let a test message be sent."""

    webhook_id: UUID
    delivery_id: UUID


class WebhookReplayed(Event, frozen=True, tag="webhook.replayed"):
    """Somebody has let deliveries of a webhook be sent once more."""

    webhook_id: UUID
    count: int


class WebhookSwitchedOff(Event, frozen=True, tag="webhook.switched_off"):
    """Lacewing has switched a webhook off: its receiver is gone, or failed for days."""

    webhook_id: UUID
    reason: str
