"""Documents that real programs have written. They lie beside the repository, never in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from lacewing.settings import Settings
from tests.documents.acts import get, path_of, process, start, upload, wait_until_processed
from tests.support.house import House, Member, open_house
from tests.support.object_storage import make_bucket, s3_server
from tests.tracker.acts import Json

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "documents"

SEEN_BY_EYE: dict[str, tuple[str, ...]] = {
    "doc-access-sections.docx": ("Section one paragraph.",),
    "google-doc-document.pdf": ("Beautiful is better than ugly.", "Namespaces are one honking"),
    "habibi.pdf": ("حَبيبي habibi حَبيبي",),
    "having-images.docx": (),
    "minimal-document.pdf": ("Lorem ipsum dolor sit amet, consetetur sadipscing elitr",),
    "mistitled_outlines_example.pdf": ("Contents\n1 Foo 2\n2 Bar 2",),
    "multicolumn.pdf": ("Two-Column Document with Lorem Ipsum", "with two columns filled"),
    "num-having-numbering-part.docx": ("Paragraph having List Number style.",),
    "pdflatex-4-pages.pdf": ("This text should show what a printed text\nwill look like",),
    "pdflatex-image.pdf": ("1 Your Chapter",),
    "tbl-having-tables.docx": (),
    "with-attachment.pdf": ("consetetur sadipscing elitr",),
}
PAGES = {"mistitled_outlines_example.pdf": 4, "multicolumn.pdf": 3, "pdflatex-4-pages.pdf": 4}
COUNTS = {
    "having-images.docx": ("images", 5),
    "tbl-having-tables.docx": ("tables", 3),
    "with-attachment.pdf": ("attachments", 1),
}

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"{FOLDER} is not here")


@pytest.fixture(params=["disk", "s3"])
def storage_variables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "disk":
        yield {"LACEWING_STORAGE_URL": (tmp_path / "papers").as_uri()}
        return
    with s3_server() as variables:
        make_bucket(variables, "papers")
        yield {**variables, "LACEWING_STORAGE_URL": "s3://papers/of/lacewing"}


@pytest.fixture
async def house(
    make_settings: Callable[..., Settings], storage_variables: dict[str, str]
) -> AsyncIterator[House]:
    async with open_house(make_settings(**storage_variables)) as opened:
        yield opened


async def test_each_is_read_as_people_read_it_on_both_storages(maria: Member) -> None:
    """DOC-1, DOC-5, DOC-7, DOC-9: text, pages and counts are what stands in the files."""
    documents = {
        name: await upload(maria, (FOLDER / name).read_bytes(), name) for name in SEEN_BY_EYE
    }
    for document in documents.values():
        await start(maria, document)

    results: dict[str, Json] = {}
    for name, document in documents.items():
        status = await wait_until_processed(maria, document)
        assert status["status"] == "COMPLETED", (name, status)
        results[name] = await get(maria, document, "/result")

    for name, texts in SEEN_BY_EYE.items():
        assert all(text in results[name]["text"] for text in texts), name
    assert {name: results[name]["counts"]["pages"] for name in PAGES} == PAGES
    assert {name: len(results[name]["pages"]) for name in PAGES} == PAGES
    for name, (what, count) in COUNTS.items():
        assert results[name]["counts"][what] == count, name
    assert results["habibi.pdf"]["metadata"]["title"] == "habibi"
    assert results["mistitled_outlines_example.pdf"]["outline"][0]["title"] == "First"


async def test_the_encrypted_one_has_failed_with_its_reason(maria: Member) -> None:
    """DOC-9: a password is needed, and nobody is told a text that is none."""
    name = "libreoffice-writer-password.pdf"
    document = await upload(maria, (FOLDER / name).read_bytes(), name)

    status = await process(maria, document)

    assert status["status"] == "FAILED"
    assert status["failure"] == "encrypted"
    assert "password" in status["message"]


async def test_each_is_downloaded_as_it_was_uploaded(maria: Member) -> None:
    """DOC-6, DOC-7: the same bytes, whatever storage they were in."""
    for path in sorted(FOLDER.iterdir()):
        document = await upload(maria, path.read_bytes(), path.name)

        download = await maria.api.get(path_of(document, "/download"))

        assert download.content == path.read_bytes(), path.name
