"""`make audit` never passes what it could not audit."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deploy.release.audit import FOUND, NOT_AUDITED, audit, judge

SOUND = {"name": "a", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "Dependency not found on PyPI: b (1.0)"}
VULNERABLE = {
    "name": "c",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1", "2.0"]}],
}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([SOUND], 0, "1 of 1 packages audited"),
        ([SOUND, UNKNOWN], NOT_AUDITED, "NOT AUDITED: 1 of 2 packages, first: Dependency not"),
        ([], NOT_AUDITED, "NOT AUDITED: 0 of 0 packages, first: no package is pinned"),
        ([SOUND, VULNERABLE], FOUND, "c 1.0: PYSEC-2026-1, fixed in 1.1, 2.0\n2 of 2 packages"),
        ([VULNERABLE, UNKNOWN], NOT_AUDITED, "c 1.0: PYSEC-2026-1"),
    ],
)
def test_a_report_is_judged(packages: list[dict[str, Any]], status: int, said: str) -> None:
    assert judge(packages)[0] == status
    assert judge(packages)[1].startswith(said)


class _Osv(BaseHTTPRequestHandler):
    """Answers as the API of OSV does: https://google.github.io/osv.dev/post-v1-query/."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = {
            "id": "GHSA-0000",
            "affected": [
                {
                    "package": {"name": query["package"]["name"], "ecosystem": "PyPI"},
                    "ranges": [
                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}
                    ],
                }
            ],
        }
        body = json.dumps({"vulns": [known]} if query["package"]["name"] == "pip" else {}).encode()
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def osv() -> Iterator[str]:
    """The URL of a vulnerability service that knows one vulnerability of pip."""
    with HTTPServer(("127.0.0.1", 0), _Osv) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.slow
def test_pip_audit_reads_what_is_pinned_and_asks_about_all_of_it(
    root: Path, osv: str, tmp_path: Path
) -> None:
    requirements = root / "deploy" / "requirements"
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text(f"one==1.0 ; sys_platform == 'none' \\\n    --hash=sha256:{'1' * 64}\n")
    files = [requirements / "pip.txt", requirements / "lock.txt", elsewhere]
    asked = "--vulnerability-service", "osv", "--osv-url"
    status, said = audit(files, [*asked, osv])
    assert status == FOUND
    assert "GHSA-0000, fixed in 99" in said
    assert said.endswith("\n3 of 3 packages audited")
    status, said = audit(files, [*asked, f"{osv}none"])
    assert status == NOT_AUDITED
    assert said.startswith("NOT AUDITED: expected an answer of the vulnerability service, received")
