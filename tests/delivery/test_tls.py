"""What TLS scanners find, and what the script makes certificates of."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.delivery.sites import needing_programs
from tests.support.proxy import Proxy, proxying
from tests.support.servers import free_port
from tests.support.tools import ROOT, debian_tool, python_tool

SCRIPT = ROOT / "scripts" / "dev_certificate.sh"
SCAN_SECONDS = 900
GOOD = {"OK", "INFO", "LOW"}
NOT_OF_THE_CONFIGURATION = {
    "cert_trust": "an authority of our own, which no browser knows",
    "cert_chain_of_trust": "as above",
    "cert_revocation": "a certificate for development has nowhere to be revoked",
    "cert_caIssuers": "as above",
    "DNS_CAArecord": "localhost has no DNS",
    "RC4": "Debian's OpenSSL can't even ask for it; sslyze does",
    "overall_grade": "a certificate that is not trusted is graded T, whatever the rest",
    "engine_problem": "of the scanner's own OpenSSL",
    "scanTime": "how long it took",
}


@pytest.fixture(scope="module")
def a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """An nginx without servers: scans ask for nothing behind it."""
    nobody = f"127.0.0.1:{free_port()}"
    with needing_programs(), proxying(tmp_path_factory.mktemp("tls"), [nobody]) as proxy:
        yield proxy


def test_sslyze_finds_what_mozilla_recommends(a_proxy: Proxy, tmp_path: Path) -> None:
    """OPS-8: Mozilla's "intermediate": protocols, ciphers, curves, the certificate; and no known
    hole (Heartbleed, ROBOT, CCS, renegotiation, compression)."""
    with needing_programs():
        sslyze = python_tool("sslyze")
    report = tmp_path / "report.json"
    command = [
        str(sslyze), "--mozilla_config", "intermediate", "--early_data",
        "--certinfo_ca_file", str(a_proxy.authority), "--json_out", str(report), a_proxy.host,
    ]  # fmt: skip

    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=SCAN_SECONDS
    )

    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr
    assert "OK - Compliant" in done.stdout, done.stdout[-3_000:]
    [found] = json.loads(report.read_text())["server_scan_results"]
    results = found["scan_result"]
    for protocol in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
        assert results[f"{protocol}_cipher_suites"]["result"]["accepted_cipher_suites"] == []
    for protocol in ("tls_1_2", "tls_1_3"):
        assert results[f"{protocol}_cipher_suites"]["result"]["accepted_cipher_suites"]
    assert not results["heartbleed"]["result"]["is_vulnerable_to_heartbleed"]
    assert not results["tls_1_3_early_data"]["result"]["supports_early_data"]


def test_testssl_finds_nothing(a_proxy: Proxy, tmp_path: Path) -> None:
    """OPS-8: a second scanner, which looks at ciphers one by one and at the headers too."""
    with needing_programs():
        testssl = debian_tool("testssl", "testssl.sh")
        debian_tool("hexdump", "bsdextrautils")
    report = tmp_path / "report.json"
    command = [
        str(testssl), "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1",
        "--fast", "--protocols", "--std", "--fs", "--server-defaults", "--vulnerable",
        "--jsonfile", str(report), a_proxy.host,
    ]  # fmt: skip

    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=SCAN_SECONDS,
        env={**os.environ, "ADDITIONAL_CA_FILES": str(a_proxy.authority)},
    )

    findings = json.loads(report.read_text())
    assert len(findings) > 30, done.stdout[-3_000:]
    bad = [
        (each["id"], each["severity"], each["finding"])
        for each in findings
        if each["severity"] not in GOOD
        and not any(each["id"].startswith(name) for name in NOT_OF_THE_CONFIGURATION)
    ]
    assert bad == []


def make(folder: Path, *names: str) -> str:
    """What the script says."""
    done = subprocess.run(
        [str(SCRIPT), str(folder), *names], capture_output=True, text=True, check=True
    )
    return done.stderr


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_the_script_makes_a_certificate_once(tmp_path: Path) -> None:
    """OPS-8: run again it changes nothing; for other names it makes another, by the same
    authority, so that this need not be trusted anew."""
    with needing_programs():
        debian_tool("openssl", "openssl")
    assert "authority.pem" in make(tmp_path)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    assert not make(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
    make(tmp_path, "tracker.example", "192.0.2.1", "2001:db8::1")

    assert (tmp_path / "authority.pem").read_bytes() == first["authority.pem"]
    names = certificate(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["tracker.example"]
    assert [str(each) for each in names.value.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.1", "2001:db8::1",
    ]  # fmt: skip


def test_its_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    """SEC-8."""
    with needing_programs():
        debian_tool("openssl", "openssl")
    make(tmp_path)

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("*.key")}

    assert modes == {"authority.key": 0o600, "server.key": 0o600}
