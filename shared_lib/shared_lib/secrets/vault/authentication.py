"""How the platform authenticates to Vault: chosen explicitly, and never a secret itself.

The configuration consists of names and files. ``{location}`` in any of them is replaced by the
code location, so that one set of variables gives each location its own identity.
"""

import os
from typing import Annotated, Any, Literal

import dagster as dg
from pydantic import Field, TypeAdapter, ValidationError

from shared_lib.secrets.errors import SecretsMisconfiguredError

METHOD_VARIABLE = "VAULT_AUTH_METHOD"
_FIELD_PREFIX = "VAULT_AUTH_"

_SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path


class TokenMethod(dg.Config):
    """A token that somebody else got: Vault Agent's file, or the variable ``VAULT_TOKEN``."""

    method: Literal["token"] = "token"
    token_file: str = Field(default="", description="File with the token. Empty: VAULT_TOKEN.")


class AppRoleMethod(dg.Config):
    """An AppRole's role id and secret id."""

    method: Literal["approle"] = "approle"
    mount: str = "approle"
    role_id: str = Field(default="", description="The role id. Empty: from role_id_file.")
    role_id_file: str = ""
    secret_id_file: str = Field(
        default="", description="File with the secret id. Empty: VAULT_SECRET_ID."
    )
    wrapped: bool = Field(default=False, description="Whether the secret id is response-wrapped.")


class KubernetesMethod(dg.Config):
    """The pod's service account."""

    method: Literal["kubernetes"] = "kubernetes"
    mount: str = "kubernetes"
    role: str
    token_file: str = _SERVICE_ACCOUNT_TOKEN


class JwtMethod(dg.Config):
    """A token that an identity provider signed, such as a CI service's for its jobs."""

    method: Literal["jwt"] = "jwt"
    mount: str = "jwt"
    role: str
    token_file: str = Field(default="", description="File with the JWT. Empty: VAULT_JWT.")


class AwsMethod(dg.Config):
    """The AWS IAM identity of the machine or task."""

    method: Literal["aws"] = "aws"
    mount: str = "aws"
    role: str
    server_id: str = Field(default="", description="The X-Vault-AWS-IAM-Server-ID to sign.")
    credentials: Literal["variables", "botocore"] = Field(
        default="variables",
        description="The AWS_* variables, or all sources that botocore searches.",
    )


class UserpassMethod(dg.Config):
    """A user name and a password."""

    method: Literal["userpass"] = "userpass"
    mount: str = "userpass"
    username: str
    password_file: str = Field(
        default="", description="File with the password. Empty: VAULT_PASSWORD."
    )


class CertificateMethod(dg.Config):
    """A TLS client certificate."""

    method: Literal["cert"] = "cert"
    mount: str = "cert"
    role: str = Field(default="", description="The certificate role. Empty: any that matches.")
    certificate_file: str
    key_file: str


class FromEnvironment(dg.Config):
    """Whichever method ``VAULT_AUTH_METHOD`` names, configured by ``VAULT_AUTH_<FIELD>``."""

    method: Literal["environment"] = "environment"


Method = (
    TokenMethod
    | AppRoleMethod
    | KubernetesMethod
    | JwtMethod
    | AwsMethod
    | UserpassMethod
    | CertificateMethod
)
_METHOD = TypeAdapter(Annotated[Method, Field(discriminator="method")])


def chosen_method(configured: Method | FromEnvironment, *, location: str) -> Method:
    """Return the login method, with every ``{location}`` in it replaced.

    Raises:
        SecretsMisconfiguredError: the environment should choose the method but does not, names
            an unknown method, or sets fields that the method does not have.
    """
    method = method_of_environment() if isinstance(configured, FromEnvironment) else configured
    filled = {
        name: value.replace("{location}", location) if isinstance(value, str) else value
        for name, value in method.model_dump().items()
    }
    return method.model_copy(update=filled)


def method_of_environment() -> Method:
    """Return the method that ``VAULT_AUTH_METHOD`` and ``VAULT_AUTH_<FIELD>`` describe.

    Raises:
        SecretsMisconfiguredError: they do not describe a method; the text says which are wrong.
    """
    fields: dict[str, Any] = {
        name.removeprefix(_FIELD_PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(_FIELD_PREFIX) and value
    }
    kinds = {kind.model_fields["method"].default: kind for kind in Method.__args__}
    if "method" not in fields:
        raise SecretsMisconfiguredError(
            f"no login method for Vault is configured: set {METHOD_VARIABLE} to one of: "
            f"{', '.join(sorted(kinds))}"
        )
    if fields["method"] not in kinds:
        raise SecretsMisconfiguredError(
            f"{METHOD_VARIABLE}: {fields['method']!r} is not a method, allowed is one of: "
            f"{', '.join(sorted(kinds))}"
        )
    known = kinds[fields["method"]].model_fields
    unknown = sorted(fields.keys() - known.keys())
    if unknown:
        raise SecretsMisconfiguredError(
            f"the method {fields['method']} does not use {_variables(unknown)}: unset it; it uses: "
            f"{_variables(sorted(known))}"
        )
    try:
        return _METHOD.validate_python(fields)
    except ValidationError as error:
        # Without the values, in case someone wrote a secret in place of its file name.
        wrong = sorted({str(problem["loc"][-1]) for problem in error.errors(include_input=False)})
    raise SecretsMisconfiguredError(
        f"the method {fields['method']} needs {_variables(wrong)}: "
        "set it as described in docs/secrets.md"
    )


def _variables(fields: list[str]) -> str:
    return ", ".join(_FIELD_PREFIX + field.upper() for field in fields)
