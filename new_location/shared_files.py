"""The places in shared files that name a location: the list that adding and removing follow.

What can be derived from ``workspace.yaml`` or from the folders names no location: the Makefile's
members, ruff's sources, uv's members, and the tests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from new_location import dbt_files
from new_location.names import LocationError, NewLocation

_FIRST_PORT = 4001


@dataclass(frozen=True)
class Item:
    """An item at the end of lists in square brackets, each on one line.

    Attributes:
        path: the file.
        lists: a regular expression for the beginning of the lines, up to and with the bracket.
        item: what is added.
    """

    path: str
    lists: str
    item: str

    def add(self, text: str) -> str:
        """Add the item to each list."""
        added, count = re.subn(rf"(?m)^({self.lists}.*)\]$", rf"\1, {self.item}]", text)
        return _changed(self.path, self.lists, added, count)

    def remove(self, text: str) -> str:
        """Remove the item from each list."""
        pattern = rf"(?m)^({self.lists}.*), {re.escape(self.item)}(?=[,\]])"
        removed, count = re.subn(pattern, r"\1", text)
        return _changed(self.path, self.item, removed, count)


@dataclass(frozen=True)
class Block:
    """Lines of their own.

    Attributes:
        path: the file.
        after: a regular expression for the last lines before them; none: they end the file.
        lines: what is added.
    """

    path: str
    after: str | None
    lines: str

    def add(self, text: str) -> str:
        """Add the lines behind the last place that fits."""
        if self.after is None:
            return f"{text.removesuffix(chr(10))}\n{self.lines}"
        found = list(re.finditer(rf"(?m)^{self.after}\n", text))
        _changed(self.path, self.after, text, len(found))
        end = found[-1].end()
        return f"{text[:end]}{self.lines}{text[end:]}"

    def remove(self, text: str) -> str:
        """Remove the lines, which nobody has changed."""
        return _changed(
            self.path, self.lines, text.replace(self.lines, "", 1), text.count(self.lines)
        )


def _changed(path: str, wanted: str, text: str, count: int) -> str:
    if not count:
        raise LocationError(
            f"{path} has been changed by hand: it does not have what the command looks for; edit "
            f"the file as this would, and nothing was changed:\n{wanted}"
        )
    return text


def port_of(location: NewLocation, texts: Mapping[str, str]) -> int:
    """The port of the location's code server: its own, else the next free one."""
    workspace = texts["deploy/workspace.yaml"]
    own = re.search(rf"host: {location.service}\n +port: (\d+)\n", workspace)
    ports = [int(port) for port in re.findall(r"port: (\d+)", workspace)]
    return int(own[1]) if own else max([_FIRST_PORT - 1, *ports]) + 1


def shared_places(location: NewLocation, port: int) -> list[Item | Block]:
    """Every place that names the location."""
    name, service = location.name, location.service
    return [
        Item("pyproject.toml", r"dependencies = \[\"shared-lib\"", f'"{service}"'),
        Block(
            "pyproject.toml",
            r"[a-z-]+ = \{ workspace = true \}",
            f"{service} = {{ workspace = true }}\n",
        ),
        Block(
            "pyproject.toml",
            r'    \{ path = "code_locations/\w+" \},',
            f'    {{ path = "code_locations/{name}" }},\n',
        ),
        Item(
            "pyproject.toml",
            r"(?:root_packages|modules|forbidden_modules|source_modules) = "
            r'\[(?:.*, )?"orchestration_platform"',
            f'"{name}"',
        ),
        Block(
            "workspace.yaml",
            None,
            f"  - python_module:\n      module_name: {name}.definitions\n"
            f"      location_name: {name}\n",
        ),
        Block(
            "deploy/workspace.yaml",
            None,
            f"  - grpc_server:\n      host: {service}\n      port: {port}\n"
            f"      location_name: {name}\n",
        ),
        Block(
            "deploy/Dockerfile",
            r"COPY code_locations/\w+/pyproject.toml code_locations/\w+/",
            f"COPY code_locations/{name}/pyproject.toml code_locations/{name}/\n",
        ),
        Block("deploy/vault/approles.yaml", None, f"  {name}: *role\n"),
        Block(
            "deploy/kubernetes/network_policies.yaml",
            r"        - \{protocol: TCP, port: 4\d\d\d\}",
            f"        - {{protocol: TCP, port: {port}}}\n",
        ),
        Block("deploy/kubernetes/volumes.yaml", None, _VOLUME.format(service=service)),
        Item("deploy/compose.yaml", r"    networks: \[platform, orchestration_platform", name),
        Block(
            "deploy/compose.yaml",
            r'      test: \["CMD", "python", ".*/health.py", "code-server", "\d+"\]\n',
            _SERVICE.format(name=name, service=service, port=port),
        ),
        Block(
            "deploy/compose.yaml",
            r"      - \w+_warehouse:/var/lib/dagster/volumes/\w+",
            f"      - {name}_warehouse:/var/lib/dagster/volumes/{name}\n",
        ),
        Block("deploy/compose.yaml", r"networks:\n  platform:(?:\n  \w+:)*", f"  {name}:\n"),
        Block("deploy/compose.yaml", None, f"  {name}_warehouse:\n"),
        Block(
            "deploy/helm/values.yaml",
            r"      - \{name: \w+, host: [a-z0-9-]+, port: \d+\}",
            f"      - {{name: {name}, host: {service}, port: {port}}}\n",
        ),
        Block(
            "deploy/helm/values.yaml",
            None,
            _DEPLOYMENT.format(name=name, service=service, port=port),
        ),
        Block("tests/smoke/asset_graph.txt", None, f"{name}/example <- \n"),
        *(_places_of_models(name) if location.has_models else []),
    ]


def _places_of_models(name: str) -> list[Item | Block]:
    project = "dbt_project/dbt_project.yml"
    return [
        Block(project, r"    \+persist_docs: .*", dbt_files.IN_PROJECT.format(name=name)),
        Block(project, None, dbt_files.TESTS_IN_PROJECT.format(name=name)),
        Block("tests/smoke/asset_graph.txt", None, f"{name}_squares <- {name}/example\n"),
    ]


_VOLUME = """\
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: dagster-warehouse-{service}}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: local-path
  resources: {{requests: {{storage: 20Gi}}}}
"""
_SERVICE = """\
  {service}:
    <<: *code-server
    command: ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "{port}", "-m", "{name}.definitions"]
    environment: {{<<: [*instance, *vault]}}
    networks: [{name}]
    volumes:
      - *postgres-access
      - {name}_warehouse:/var/lib/dagster/warehouse
      - compute_logs:/var/lib/dagster/compute_logs
      - ${{VAULT_CREDENTIALS_DIRECTORY:-./credentials}}/{name}:/run/vault:ro
    healthcheck:
      test: ["CMD", "python", "/opt/dagster/app/deploy/health.py", "code-server", "{port}"]

"""
_DEPLOYMENT = """\

    - name: {service}
      image: *image
      port: {port}
      dagsterApiGrpcArgs: [-m, {name}.definitions]
      includeConfigInLaunchedRuns: {{enabled: true}}
      serviceAccount: {{create: true, name: dagster-{service}, annotations: {{}}}}
      env: *location-environment
      volumes:
        - *tmp
        - *home
        - *postgres-ca
        - *vault-token
        - {{name: warehouse, persistentVolumeClaim: {{claimName: dagster-warehouse-{service}}}}}
      volumeMounts:
        - *tmp-mount
        - *home-mount
        - *postgres-ca-mount
        - *vault-mount
        - {{name: warehouse, mountPath: /var/lib/dagster/warehouse}}
      nodeSelector: *warehouse-node
      podSecurityContext: *pod-security
      securityContext: *container-security
      resources:
        requests: {{cpu: 250m, memory: 512Mi}}
        limits: {{memory: 2Gi}}
      readinessProbe: *readiness
      livenessProbe:
        exec: {{command: [python, /opt/dagster/app/deploy/health.py, code-server, "{port}"]}}
        initialDelaySeconds: 90
        periodSeconds: 15
        timeoutSeconds: 10
        failureThreshold: 4
"""
