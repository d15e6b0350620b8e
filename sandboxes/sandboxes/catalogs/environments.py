"""Environments with a vendor's packages, made from hash-pinned requirements when first needed."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

_REQUIREMENTS = Path(__file__).with_name("requirements")
# beside what the platform is installed into, and removed with it
_ENVIRONMENTS = Path(sys.prefix) / "vendors"


class VendorMissingError(RuntimeError):
    """A vendor's packages cannot be installed; the text is that of the installer."""


def vendor_environment(vendor: str) -> Path:
    """Return the directory with the programs of a vendor's environment.

    Args:
        vendor: datahub, datacontract or openmetadata.

    Raises:
        VendorMissingError: its packages cannot be installed.
    """
    requirements = _REQUIREMENTS / f"{vendor}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    environment = _ENVIRONMENTS / vendor
    done = environment / ".requirements"
    _ENVIRONMENTS.mkdir(exist_ok=True)
    with (_ENVIRONMENTS / f"{vendor}.lock").open("w") as lock:
        # tests side by side need the same one
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.is_file() or done.read_text() != digest:
            _uv("venv", "--clear", "--python", sys.executable, str(environment))
            _uv(
                "pip", "sync", "--require-hashes", "--python", str(environment / "bin" / "python"),
                str(requirements),
            )  # fmt: skip
            done.write_text(digest)
    return environment / "bin"


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise VendorMissingError(made.stderr.strip())
