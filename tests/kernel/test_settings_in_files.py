from pathlib import Path

import pytest

from lacewing.settings import InvalidSettings, load_settings

SECRET = "a secret of more than thirty-two characters"


def test_a_setting_may_stand_in_a_file(tmp_path: Path) -> None:
    """OPS-7: as Docker and Kubernetes hand secrets over; the line's end is none of it."""
    file = tmp_path / "secret_key"
    file.write_text(f"{SECRET}\n", encoding="utf-8")

    settings = load_settings({"LACEWING_SECRET_KEY_FILE": str(file)})

    assert settings.general.secret_key is not None
    assert settings.general.secret_key.get_secret_value() == SECRET


def test_so_may_keys_without_our_prefix(tmp_path: Path) -> None:
    """OPS-7, SEC-7: those of an object storage."""
    file = tmp_path / "key"
    file.write_text("of-the-storage", encoding="utf-8")

    settings = load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(file)})

    assert settings.object_storage["AWS_SECRET_ACCESS_KEY"].get_secret_value() == "of-the-storage"


def test_the_files_of_others_are_left_alone(tmp_path: Path) -> None:
    """OPS-7: `AWS_WEB_IDENTITY_TOKEN_FILE` is read by who knows it, and may come later."""
    settings = load_settings({"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")})

    assert "AWS_WEB_IDENTITY_TOKEN" not in settings.object_storage


def test_a_setting_that_stands_in_both_places_is_refused(tmp_path: Path) -> None:
    """OPS-7: nobody should guess which of them counts."""
    file = tmp_path / "secret_key"
    file.write_text(SECRET, encoding="utf-8")

    with pytest.raises(InvalidSettings, match="LACEWING_SECRET_KEY_FILE: LACEWING_SECRET_KEY is"):
        load_settings({"LACEWING_SECRET_KEY_FILE": str(file), "LACEWING_SECRET_KEY": SECRET})


def test_every_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """OPS-7, SEC-11: all at once, and not what stands in them."""
    (tmp_path / "noise").write_bytes(b"\xff\xfe")

    with pytest.raises(InvalidSettings) as refused:
        load_settings(
            {
                "LACEWING_SECRET_KEY_FILE": str(tmp_path / "absent"),
                "LACEWING_REDIS_URL_FILE": str(tmp_path / "noise"),
            }
        )

    assert [reason.partition(":")[0] for reason in refused.value.reasons] == [
        "LACEWING_SECRET_KEY_FILE",
        "LACEWING_REDIS_URL_FILE",
    ]
