from lacewing.kernel.errors import Conflict


class EventsGone(Conflict):
    code = "events-gone"
    title = "Events after that number are no longer kept: there would be a gap."
