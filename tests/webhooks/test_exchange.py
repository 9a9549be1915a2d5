from collections.abc import Callable
from pathlib import Path

from lacewing.kernel.actor import Role
from lacewing.kernel.db.exchange import export_lines, import_lines
from lacewing.kernel.db.offline import use_connection
from lacewing.settings import Settings
from tests.support.databases import DatabaseTemplate
from tests.support.house import open_house
from tests.tracker.acts import new_issue, new_project
from tests.webhooks.acts import (
    deliveries,
    get,
    happen,
    new_webhook,
    rotate,
    send_due,
    the_delivery,
    until_listening,
    until_noted,
    verify,
)
from tests.webhooks.receiver import Receiver

SCHEMA = "here"


async def test_an_import_brings_webhooks_without_secrets_and_tells_nothing_again(
    make_settings: Callable[..., Settings],
    database_template: DatabaseTemplate,
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    """UX-3, WEBHOOK: into one that was served once; a new secret, and it goes on."""
    async with open_house(make_settings()) as old:
        await until_listening(old)
        mona = await old.member("mona", Role.ADMIN)
        project = await new_project(mona, "Web shop")
        webhook = await new_webhook(mona, project, receiver.url())
        await new_issue(mona, project)
        await until_noted(old)
        lines = await use_connection(
            old.settings.database, tmp_path, lambda each: list(export_lines(each, SCHEMA))
        )
    (tmp_path / "new").mkdir()
    async with database_template.copied(tmp_path / "new") as url:
        settings = make_settings(LACEWING_DATABASE_URL=url)
        async with open_house(settings) as served:
            await until_listening(served)
        await use_connection(
            settings.database, tmp_path, lambda each: import_lines(each, SCHEMA, lines)
        )
        async with open_house(settings) as new:
            nora = await new.member("nora", Role.ADMIN)
            before = await deliveries(nora, webhook)
            imported = await get(nora, webhook)
            await happen(new, nora, project)
            unsigned = await the_delivery(nora, webhook)
            secret = await rotate(nora, webhook)
            new.clock.advance(seconds=6)
            await send_due(new)
            (received,) = receiver.received
            verify(received, secret, new.clock)

    webhook.pop("secret")
    assert before == []
    assert imported == webhook
    assert unsigned["error"] == "This server has no secret to sign with: rotate it."
