"""What docs/proxies.md tells to do, on a system as Debian leaves it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs import cannot_run, program
from tests.proxies.proxy import DEPLOY, SITE, certificate

ROOT = DEPLOY.parent
SYSTEM = Path("/etc/nginx")
PORTS = {"80": "18080", "443": "18443"}
"""Ports that any user may have. They are not listened on: nginx only opens and closes them."""


def steps(beginning: str) -> list[str]:
    """Return the lines, without `sudo`, of the block that begins so."""
    text = (ROOT / "docs" / "proxies.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (block,) = (each for each in blocks if each.startswith(beginning))
    return re.sub(r"\bsudo ", "", str(block)).splitlines()


def test_nginx_takes_the_configuration_beside_what_its_package_brings(tmp_path: Path) -> None:
    path = program("nginx")
    if not (SYSTEM / "nginx.conf").is_file():
        cannot_run(f"needs {SYSTEM}, as Debian's package has it")
    place = tmp_path / "nginx"
    shutil.copytree(SYSTEM, place)  # what links lead to, so that nothing there is changed
    shutil.copytree(certificate(), place / "tls")
    copies, rest = steps("sudo cp deploy/nginx"), []
    for line in copies:
        if "nginx -t" not in line and "make serve" not in line:
            assert line.count("/etc/") == line.count(f"{SYSTEM}/"), (
                "nothing of this system is changed"
            )
            command = ["sh", "-c", line.replace(f"{SYSTEM}", f"{place}")]
            subprocess.run(command, cwd=ROOT, check=True)
        else:
            rest.append(line)
    assert len(rest) == 2
    for each in [*place.rglob("*.conf"), *(place / "sites-enabled").iterdir()]:
        text = each.read_text().replace(f"{SYSTEM}/", f"{place}/")
        text = re.sub(r"\n.*listen +\[::\].*", "", text)  # some machines have no IPv6
        for port, other in PORTS.items():
            text = re.sub(rf"(listen +){port}\b", rf"\g<1>{other}", text)
        text = re.sub(r"/(var/log/nginx|run)/", f"{tmp_path}/", text)
        each.write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = (f"{each}_temp_path {tmp_path}/{each};\n" for each in kinds)  # which any user may make
    (place / "conf.d" / "folders.conf").write_text("".join(lines))
    command = [path, "-t", "-c", str(place / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SITE not in "".join(each.read_text() for each in (place / "conf.d").iterdir())


def test_haproxy_takes_its_file_as_it_is(tmp_path: Path) -> None:
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    file = tmp_path / "haproxy.cfg"
    file.write_text(text.replace("/etc/haproxy/tls.pem", f"{certificate()}/tls.pem"))
    done = subprocess.run(
        [program("haproxy"), "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_renewed_certificate_is_copied_to_where_a_proxy_reads_it(tmp_path: Path) -> None:
    """certbot's files are links that are relative to its own folders."""
    live, archive = (tmp_path / "letsencrypt" / each / SITE for each in ("live", "archive"))
    for folder in (live, archive):
        folder.mkdir(parents=True)
    for name in ("fullchain", "privkey"):
        shutil.copy(certificate() / f"{name}.pem", archive / f"{name}2.pem")
        (live / f"{name}.pem").symlink_to(f"../../archive/{SITE}/{name}2.pem")
    target = tmp_path / "tls"
    script = ["sh", str(DEPLOY / "tls" / "renewed.sh"), str(target)]
    for _ in range(2):  # the second time, something is there
        subprocess.run(script, env={**os.environ, "RENEWED_LINEAGE": str(live)}, check=True)
    assert {each.name for each in target.iterdir()} == {"fullchain.pem", "privkey.pem", "tls.pem"}
    for each in target.iterdir():
        assert each.read_bytes() == (certificate() / each.name).read_bytes()
        assert not each.is_symlink()
        assert each.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lacking", ["fullchain.pem", "privkey.pem"])
def test_a_certificate_in_use_is_kept_where_the_new_one_is_not_whole(
    tmp_path: Path, lacking: str
) -> None:
    live, target = tmp_path / "live", tmp_path / "tls"
    shutil.copytree(certificate(), live)
    shutil.copytree(certificate(), target)
    before = {each.name: each.read_bytes() for each in target.iterdir()}
    (live / lacking).unlink()
    script = ["sh", str(DEPLOY / "tls" / "renewed.sh"), str(target)]
    environment = {**os.environ, "RENEWED_LINEAGE": str(live)}
    done = subprocess.run(script, env=environment, capture_output=True, check=False)
    assert done.returncode
    assert {name: (target / name).read_bytes() for name in before} == before
