"""Where people read the code of an asset: in a file here, or in the Git repository it came from."""

import os
import re
from collections.abc import Sequence
from typing import Any

import dagster as dg

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import ConfigurationError

URL_VARIABLE = "PLATFORM_GIT_URL"
REVISION_VARIABLE = "PLATFORM_GIT_REVISION"

_ANCHOR = "workspace.yaml"
_ADDRESS = re.compile(r"https://[^/\s@]*(?:github|gitlab)[^/\s@]*/\S+?(?:\.git)?/?")


def with_code_references(assets: Sequence[Any]) -> Sequence[Any]:
    """Return the assets with a reference to their code, which Dagster's UI opens.

    ``PLATFORM_GIT_URL`` and ``PLATFORM_GIT_REVISION`` name the repository and the commit of a
    deployment; without them the references are paths on this machine.

    Raises:
        ConfigurationError: one of the two is missing, or Dagster cannot link such an address.
    """
    # Dagster looks for the step of every definition, also of one that only declares assets
    declared = [asset for asset in assets if _only_declares(asset)]
    made = [asset for asset in assets if not _only_declares(asset)]
    referenced = [*declared, *dg.with_source_code_references(made)]
    url, revision = os.environ.get(URL_VARIABLE, ""), os.environ.get(REVISION_VARIABLE, "")
    if not url and not revision:
        return referenced
    if not _ADDRESS.fullmatch(url):
        raise ConfigurationError(
            f"{URL_VARIABLE} is not an address that Dagster links: set it to the https "
            "address of a repository on GitHub or GitLab, without user, such as https://github.com/acme/data"
        )
    if not revision:
        raise ConfigurationError(
            f"{REVISION_VARIABLE} is missing: set it to the commit that is deployed"
        )
    return dg.link_code_references_to_git(
        referenced,
        git_url=url.removesuffix("/").removesuffix(".git"),
        git_branch=revision,
        file_path_mapping=dg.AnchorBasedFilePathMapping(
            local_file_anchor=REPOSITORY_ROOT / _ANCHOR, file_anchor_path_in_repository=_ANCHOR
        ),
    )


def _only_declares(asset: Any) -> bool:
    return isinstance(asset, dg.AssetsDefinition) and not asset.is_executable
