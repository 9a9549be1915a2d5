from lacewing.kernel.errors import Conflict, Invalid, NotFound


class WebhookNotFound(NotFound):
    code = "webhook-not-found"
    title = "There is no such webhook."


class DeliveryNotFound(NotFound):
    code = "webhook-delivery-not-found"
    title = "There is no such delivery; they are kept for 30 days."


class TooManyWebhooks(Conflict):
    code = "too-many-webhooks"
    title = "The project has as many webhooks as it may."


class WebhookOff(Conflict):
    code = "webhook-off"
    title = "The webhook is switched off: nothing is sent to it."


class DeliveryPending(Conflict):
    code = "webhook-delivery-pending"
    title = "This delivery is under way already."


class TooManyToReplay(Invalid):
    code = "too-many-to-replay"
    title = "There are more deliveries in that time than can be sent once more at once."
