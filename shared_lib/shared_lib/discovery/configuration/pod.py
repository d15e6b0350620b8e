"""``pod_resources``: what the pod of a run asks the cluster for."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from shared_lib.configuration.section import Section

# Read by Dagster's launcher of pods from the tags of a run.
TAG = "dagster-k8s/config"

_PREFIXES = "MGT"


def _text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


_CpuText = Annotated[str, StringConstraints(pattern=r"^([0-9]+m|[0-9]+(\.[0-9]{1,3})?)$")]
Cpu = Annotated[_CpuText, BeforeValidator(_text, json_schema_input_type=_CpuText | int | float)]
# Kubernetes also takes a number of bytes, and 512m, which is half a byte.
Memory = Annotated[str, StringConstraints(pattern=rf"^[0-9]+(\.[0-9]+)?[{_PREFIXES}]i?$")]


class Amounts(Section):
    """CPU and memory."""

    cpu: Cpu | None = Field(default=None, description="CPUs, such as 2, 0.5 or 500m.")
    memory: Memory | None = Field(default=None, description="With a unit, such as 4Gi.")


class PodResources(Section):
    """CPU and memory of a run where each run is a pod; elsewhere without effect.

    They replace those that the location's runs have otherwise.
    """

    requests: Amounts = Field(default_factory=Amounts, description="What a node must have free.")
    limits: Amounts = Field(default_factory=Amounts, description="What the run may use at most.")

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for name, size in (("cpu", _cpus), ("memory", _bytes)):
            request, limit = getattr(self.requests, name), getattr(self.limits, name)
            if request and limit and size(request) > size(limit):
                raise ValueError(f"requests.{name}: {request} is more than limits.{name}, {limit}")
        if self.requests.memory and not self.limits.memory:
            raise ValueError(
                "requests.memory needs limits.memory: the location's limit would remain, and "
                "Kubernetes refuses a pod that requests more than its limit"
            )
        return self

    def tag(self) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
        """Return the value of the tag."""
        resources = self.model_dump(exclude_none=True)
        return {"container_config": {"resources": {k: v for k, v in resources.items() if v}}}


def _cpus(text: str) -> float:
    return float(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)


def _bytes(text: str) -> float:
    number = text.rstrip(f"{_PREFIXES}i")
    prefix, *is_binary = text.removeprefix(number)
    return float(number) * (1024 if is_binary else 1000) ** (_PREFIXES.index(prefix) + 2)
