from lacewing.accounts.public import lock_person
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work
from lacewing.notifications.rules import Reason
from lacewing.notifications.schemas import PreferenceChange, Preferences, PreferenceView
from lacewing.notifications.store import preferences as store


async def get_preferences(work: Work) -> Preferences:
    """For each reason, whether the actor wants to hear of it."""
    actor_id = work.actor.id
    unwanted = await store.find_unwanted(work.session, [actor_id])
    return Preferences(
        [PreferenceView(reason, (actor_id, reason) not in unwanted) for reason in Reason]
    )


async def change_preferences(
    work: Work, wanted: PreferenceChange, precondition: Precondition
) -> Preferences:
    """Change those that are named; it counts for what happens from now on.

    Raises:
        PreconditionFailed: they have changed since the client read them.
    """
    await lock_person(work.session, work.actor.id)
    precondition.check(await get_preferences(work))
    chosen = {each.reason: each.is_wanted for each in wanted.preferences}
    await store.replace_preferences(work.session, work.actor.id, chosen)
    return await get_preferences(work)
