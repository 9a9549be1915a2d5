"""What the chart generates works, stays over upgrades, and rotates (OPS-9, AUTH-11)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types
from joserfc import jwe, jws
from joserfc.jwk import ECKey

from lacewing.accounts.keys import Keys, load_keys
from lacewing.accounts.rules import JwtAlgorithm
from tests.support.charts import (
    CHART,
    NAMESPACE,
    RELEASE,
    Manifest,
    Rendered,
    decoded,
    render,
    write_keys,
)
from tests.support.clusters import cluster_with

VALUES: dict[str, Any] = {"publicUrl": "https://tracker.example.com"}
GENERATED = {"LACEWING_SECRET_KEY", "LACEWING_METRICS_TOKEN"}


def test_generated_keys_sign_verify_and_encrypt(tmp_path: Path) -> None:
    """OPS-9, AUTH-15: as the program's own; the public half belongs to the private one."""
    now = datetime.now(UTC)

    keys = _load(render(VALUES), tmp_path, now)

    signing = keys.signing(now)
    assert isinstance(signing.material, ECKey)
    signed = jws.serialize_compact({"alg": "ES256"}, b"text", signing.material)
    [published] = keys.published(now)
    assert jws.deserialize_compact(signed, ECKey.import_key(published)).payload == b"text"
    encrypting = keys.encrypting(now).material
    sealed = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, b"text", encrypting)
    assert jwe.decrypt_compact(sealed, encrypting).plaintext == b"text"


def test_every_rendering_has_keys_of_its_own(tmp_path: Path) -> None:
    """OPS-9: nothing secret stands in the chart, and no part is shorter for its zeros."""
    seen = set()
    for number in range(5):
        folder = tmp_path / str(number)
        chart = render(VALUES | {"keys": {"generation": 40}})
        _load(chart, folder, datetime.now(UTC))
        for file in folder.glob("*.json"):
            key = msgspec.json.decode(file.read_bytes())
            seen.add(key.get("d") or key["k"])
            assert {len(key[part]) for part in ("d", "x", "y", "k") if part in key} == {43}
        seen.update(decoded(chart.one("Secret", "-lacewing")).values())

    assert len(seen) == 5 * (2 * 40 + 2)


def test_what_was_generated_stays_over_upgrades(tmp_path: Path) -> None:
    """OPS-9: nobody is logged out, no cursor breaks."""
    first = render(VALUES)

    second = _upgrade(first, VALUES, tmp_path)

    for ending in ("-lacewing", "-keys"):
        assert decoded(second.one("Secret", ending)) == decoded(first.one("Secret", ending))
    assert set(decoded(first.one("Secret", "-lacewing"))) == GENERATED


def test_a_generation_more_signs_when_others_may_have_fetched_it(tmp_path: Path) -> None:
    """AUTH-11: both are published at once; what the earlier one signed stays good."""
    now = datetime.now(UTC)
    first = render(VALUES)

    second = _upgrade(first, VALUES | {"keys": {"generation": 2}}, tmp_path)

    before, after = _load(first, tmp_path / "first", now), _load(second, tmp_path / "second", now)
    assert after.signing(now).id == before.signing(now).id
    assert after.encrypting(now).id == before.encrypting(now).id
    later = now + timedelta(minutes=6)
    assert after.signing(later).id != before.signing(now).id
    assert len(after.published(later)) == 2
    third = _upgrade(second, VALUES | {"keys": {"generation": 2, "oldestGeneration": 2}}, tmp_path)
    assert set(decoded(third.one("Secret", "-keys"))) == {"sig-0002.json", "enc-0002.json"}
    assert (
        decoded(third.one("Secret", "-keys")).items()
        <= decoded(second.one("Secret", "-keys")).items()
    )


def test_processes_notice_keys_that_come_into_a_mounted_secret(tmp_path: Path) -> None:
    """AUTH-11, OPS-9: without a restart, though the folder is not theirs to write."""
    now = datetime.now(UTC)
    first, mounted = render(VALUES), tmp_path / "keys"
    _mount(decoded(first.one("Secret", "-keys")), mounted)
    keys = load_keys(mounted, JwtAlgorithm.ES256, now, b"secret" * 6)
    second = _upgrade(first, VALUES | {"keys": {"generation": 2}}, tmp_path)

    _mount(decoded(second.one("Secret", "-keys")), mounted)

    later = now + timedelta(minutes=6)
    assert len(keys.published(later)) == 2
    assert keys.signing(later).id.startswith("0002-")


def test_given_values_win_over_what_is_there(tmp_path: Path) -> None:
    """OPS-9: a secret that was generated can be replaced."""
    first = render(VALUES)
    given = {"LACEWING_SECRET_KEY": "chosen-by-somebody-who-shares-it-0123456789"}

    second = _upgrade(first, VALUES | {"secrets": {"values": given}}, tmp_path)

    environment = decoded(second.one("Secret", "-lacewing"))
    assert environment.items() >= given.items()
    assert (
        environment["LACEWING_METRICS_TOKEN"]
        == (decoded(first.one("Secret", "-lacewing"))["LACEWING_METRICS_TOKEN"])
    )


@pytest.mark.parametrize("way", ["cluster", "keda"])
def test_with_a_secret_of_ones_own_none_is_made(way: str) -> None:
    """OPS-9: as clusters want it that are described in a repository."""
    values = yaml.safe_load((CHART / "ci" / f"{way}-values.yaml").read_text(encoding="utf-8"))

    secrets = {each["metadata"]["name"] for each in render(values).all("Secret")}

    assert secrets == (set() if way == "cluster" else {"tracker-lacewing-keys"})


def test_what_was_generated_outlives_the_release() -> None:
    """OPS-9: `helm uninstall` by mistake loses no key and no data."""
    chart = render(VALUES)

    for kind in ("Secret", "PersistentVolumeClaim"):
        for each in chart.all(kind):
            assert each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def _upgrade(installed: Rendered, values: Mapping[str, Any], folder: Path) -> Rendered:
    """What Helm would send to a cluster that has ``installed``."""
    owner = {"meta.helm.sh/release-name": RELEASE, "meta.helm.sh/release-namespace": NAMESPACE}
    things: list[Manifest] = []
    for each in installed.manifests:
        meta = each["metadata"]
        annotations = meta.get("annotations", {}) | owner
        things.append(each | {"metadata": meta | {"annotations": annotations}})
    with cluster_with(things, folder) as environment:
        return render(
            values, "--dry-run=server", "--is-upgrade", "--disable-openapi-validation",
            environment=environment,
        )  # fmt: skip


def _mount(files: Mapping[str, str], volume: Path) -> None:
    """As kubelet lays out the volume of a Secret: all files change at once, by one renamed link."""
    content = volume / f"..{len(files)}"
    content.mkdir(parents=True)
    for name, text in files.items():
        (content / name).write_text(text, encoding="utf-8")
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(Path("..data", name))
    (volume / "..data_tmp").symlink_to(content.name)
    (volume / "..data_tmp").replace(volume / "..data")


def _load(chart: Rendered, folder: Path, now: datetime) -> Keys:
    write_keys(chart, folder)
    keys = load_keys(folder, JwtAlgorithm.ES256, now, b"secret" * 6)
    assert len(list(folder.iterdir())) == len(decoded(chart.one("Secret", "-keys")))
    return keys
