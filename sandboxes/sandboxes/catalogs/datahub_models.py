"""Judges proposals by DataHub's generated models; runs in an environment with ``acryl-datahub``.

A line of input is a list of proposals as JSON, a line of output the list of what is wrong.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

_Wrapper = importlib.import_module("datahub.emitter.mcp").MetadataChangeProposalWrapper
_Urn = importlib.import_module("datahub.metadata.urns").Urn


def problems(proposal: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a proposal, also a field that the model does not have."""
    where = f"{proposal.get('entityUrn')} {proposal.get('aspectName')}"
    try:
        aspect = proposal["aspect"]
        sent = aspect["json"] if "json" in aspect else json.loads(aspect["value"])
        found = _Wrapper.from_obj_require_wrapper(json.loads(json.dumps(proposal)))
        if not found.validate():
            yield f"{where}: invalid"
        kept = found.to_obj(simplified_structure=True)["aspect"]["json"]
        for urn in {proposal["entityUrn"], *urns(sent)}:
            _Urn.from_string(urn)
    except Exception as error:  # noqa: BLE001 - whatever the models raise is a problem
        yield f"{where}: {type(error).__name__}: {error}"
    else:
        for path in lost(sent, kept):
            yield f"{where}: {path} is not in the model"


def urns(sent: Any) -> Iterator[str]:
    """Yield the URNs in an aspect, whose form the models do not check."""
    if isinstance(sent, str) and sent.startswith("urn:li:"):
        yield sent
    elif isinstance(sent, dict | list):
        for part in sent.values() if isinstance(sent, dict) else sent:
            yield from urns(part)


def lost(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Yield the paths that the model dropped or changed."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            if name in kept:
                yield from lost(value, kept[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for position, (one, other) in enumerate(zip(sent, kept, strict=True)):
            yield from lost(one, other, f"{path}[{position}]")
    elif sent != kept:
        yield path


for line in sys.stdin:
    found = [problem for proposal in json.loads(line) for problem in problems(proposal)]
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
