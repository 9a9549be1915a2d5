from pathlib import Path

import pytest
from scripts.docs import ROOT, documents


@pytest.mark.parametrize("path", documents(), ids=str)
def test_documents_that_are_made_from_the_code_are_up_to_date(path: Path) -> None:
    """OPS-1, API-3: every setting and every kind of problem stands in the docs."""
    text = (ROOT / path).read_text(encoding="utf-8")

    assert text == documents()[path], "run `python -m scripts.docs`"
