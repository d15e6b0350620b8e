"""The part of the Kubernetes API that starts jobs; it refuses what Kubernetes would refuse."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import kubernetes_validate
from kubernetes.client import ApiClient, V1Job
from kubernetes.utils import parse_quantity

from sandboxes.serving import Handler, serving

VERSION = "1.32"
_JOBS = re.compile(r"/apis/batch/v1/namespaces/([a-z0-9-]+)/jobs")


class KubernetesApi:
    """What it has.

    Attributes:
        jobs: the body of each job by namespace and name, as it was sent.
        kubeconfig: a file by which clients reach it.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.jobs: dict[tuple[str, str], dict[str, Any]] = {}
        self.kubeconfig = kubeconfig


def mistakes_in(job: dict[str, Any]) -> str:
    """What Kubernetes would refuse the job for; empty if nothing."""
    try:
        kubernetes_validate.validate(job, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    # what the client's model does not have, it leaves out
    client = ApiClient()
    model = client._ApiClient__deserialize(job, V1Job)
    if client.sanitize_for_serialization(model) != job:
        return "it has more than a V1Job"
    for container in job["spec"]["template"]["spec"]["containers"]:
        asked = container.get("resources", {})
        for name, request in asked.get("requests", {}).items():
            limit = asked.get("limits", {}).get(name)
            if limit is not None and parse_quantity(request) > parse_quantity(limit):
                return f"resources.requests: {request} of {name} is more than the limit {limit}"
    return ""


@contextmanager
def kubernetes_api(directory: Path) -> Iterator[KubernetesApi]:
    """Serve an empty cluster; the file for its clients is in ``directory``."""
    api = KubernetesApi(directory / "kubeconfig.yaml")

    class Requests(Handler):
        def do_POST(self) -> None:
            job = json.loads(self.body())
            found = _JOBS.fullmatch(self.path)
            if found is None:
                return self._refuse(404, "NotFound", self.path)
            if mistakes := mistakes_in(job):
                return self._refuse(422, "Invalid", mistakes)
            key = (found[1], job["metadata"]["name"])
            if key in api.jobs:
                return self._refuse(409, "AlreadyExists", key[1])
            api.jobs[key] = job
            return self._answer(201, job)

        def _refuse(self, code: int, reason: str, message: str) -> None:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
            self._answer(code, status | {"reason": reason, "message": message})

        def _answer(self, code: int, content: dict[str, Any]) -> None:
            headers = {"Content-Type": "application/json"}
            self.respond(HTTPStatus(code), json.dumps(content).encode(), headers)

    with serving(Requests) as url:
        cluster = {"name": "sandbox", "cluster": {"server": url}}
        context = {"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}
        user = {"name": "sandbox", "user": {"token": "not checked"}}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "sandbox"}
        config |= {"clusters": [cluster], "contexts": [context], "users": [user]}
        api.kubeconfig.write_text(json.dumps(config))
        yield api
