import pytest

from lacewing.kernel.words import SNIPPET_CHARACTERS, snippet_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The Café is open", "cafe"),
        ("a combining e\u0301te\u0301 word", "été"),
        ("It was RUNNING late", "running"),
        ("It runs late", "running"),
        ("two zebras", "zebra"),
        ("see shop/login.py there", "login.py"),
        ("strasse", "Strasse"),
    ],
)
def test_a_snippet_shows_what_was_found_however_it_is_spelled(text: str, wanted: str) -> None:
    """DOC-2: case, accents and common endings make no difference."""
    assert snippet_of(text, [wanted.replace(".", " ")]) is not None


def test_a_snippet_is_a_line_of_bounded_length_around_the_word() -> None:
    """DOC-2: whoever reads the list sees where the word stands."""
    text = "before " * 500 + "\n\n the zebra \f crossing " + "after " * 500

    found = snippet_of(text, ["zebra"])

    assert found is not None
    assert "the zebra crossing after" in found
    assert found.startswith("… before")
    assert found.endswith("after …")
    assert len(found) <= SNIPPET_CHARACTERS + len("…  …")
    assert found.isprintable()


@pytest.mark.parametrize("wanted", [[], ["absent"], ["ebra"]])
def test_what_does_not_stand_there_gives_no_snippet(wanted: list[str]) -> None:
    """DOC-2: words are found from their beginning."""
    assert snippet_of("a zebra", wanted) is None


def test_a_long_unbroken_text_is_cut_anywhere() -> None:
    """DOC-2: scripts without spaces are shown too."""
    found = snippet_of("漢" * 1_000 + " zebra" + "字" * 1_000, ["zebra"])

    assert found is not None
    assert "zebra" in found
    assert len(found) <= SNIPPET_CHARACTERS + len("…  …")
