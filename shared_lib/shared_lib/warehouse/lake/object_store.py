"""The Parquet files of the lake in an object store with the API of S3."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from shared_lib.warehouse.setting import WarehouseSettingError

ENDPOINT_VARIABLE = "WAREHOUSE_DATA_ENDPOINT"
# the path of a secret with the two keys of `KEYS`
SECRET_VARIABLE = "WAREHOUSE_DATA_SECRET"  # noqa: S105 - the name of a variable
REGION_VARIABLE = "AWS_REGION"
KEYS = ("access_key_id", "secret_access_key")

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/.+)?")

# After an answer of 429 or 5xx, or a broken connection, the request is retried: at once, after
# 0.1 s, 0.4 s and so on, for 8.5 s in all. If a run still fails, the next one continues it.
RETRIES = 5
# of one request, with all that it sends and receives
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """Where the store is, and the secret that it asks for.

    Attributes:
        endpoint: its address; empty for that of AWS.
        region: of the bucket.
        secret: the path of the secret with its keys.
    """

    endpoint: str
    region: str
    secret: str

    @classmethod
    def of(cls, data: str, variable: str) -> Self | None:
        """Return the store that the variables name; None if ``data`` is a directory.

        Raises:
            WarehouseSettingError: ``data``, or a variable of the store, is missing or wrong.
        """
        if not _SCHEME.match(data):
            return None
        if not _BUCKET.fullmatch(data):
            raise WarehouseSettingError(
                f"{variable}: {data!r} is not a place for files, allowed is a directory such as "
                "/srv/lake, or s3://bucket/prefix"
            )
        secret = os.environ.get(SECRET_VARIABLE, "")
        if not secret:
            raise WarehouseSettingError(
                f"{variable} is {data}, so {SECRET_VARIABLE} must be set: the path of a secret "
                f"with the keys `{KEYS[0]}` and `{KEYS[1]}`"
            )
        endpoint = os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/")
        parts = urlsplit(endpoint)
        has_more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
        if endpoint and (parts.scheme not in {"http", "https"} or not parts.netloc or has_more):
            raise WarehouseSettingError(
                f"{ENDPOINT_VARIABLE} is not the address of an object store, such as "
                "https://minio.example.com:9000"
            )
        region = os.environ.get(REGION_VARIABLE, "us-east-1")
        return cls(endpoint=endpoint, region=region, secret=secret)

    def options(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Return the options of DuckDB's secret, with the keys from ours."""
        options = {
            "key_id": keys["access_key_id"],
            "secret": keys["secret_access_key"],
            "region": self.region,
        }
        if self.endpoint:
            scheme, _, address = self.endpoint.partition("://")
            # other stores than AWS' seldom have a host name for each bucket
            options |= {"endpoint": address, "url_style": "path"}
            options["use_ssl"] = "true" if scheme == "https" else "false"
        return options
