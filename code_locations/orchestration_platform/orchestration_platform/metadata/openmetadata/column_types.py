"""DuckDB's types as OpenMetadata's."""

import re
from typing import Any

_TYPES = {
    "boolean": "BOOLEAN", "bool": "BOOLEAN", "blob": "BLOB", "date": "DATE", "time": "TIME",
    "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPZ", "interval": "INTERVAL",
    "decimal": "DECIMAL", "numeric": "NUMERIC", "double": "DOUBLE", "float": "FLOAT",
    "real": "FLOAT", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT",
    "int": "INT", "bigint": "BIGINT", "hugeint": "LARGEINT", "ubigint": "UINT",
    # without a length, which OpenMetadata's VARCHAR needs
    "varchar": "STRING", "text": "STRING", "string": "STRING",
    "uuid": "UUID", "json": "JSON", "map": "MAP", "enum": "ENUM",
}  # fmt: skip
_DIGITS = re.compile(r"\((\d+),\s*(\d+)\)")


def column_type(native: str) -> dict[str, Any]:
    """Return the fields of a column that describe its type."""
    if not native:
        return {"dataType": "UNKNOWN"}
    if native.endswith("[]"):
        inner = column_type(native.removesuffix("[]"))["dataType"]
        return {"dataType": "ARRAY", "arrayDataType": inner, "dataTypeDisplay": native}
    if native.startswith("timestamp with time zone"):
        return {"dataType": "TIMESTAMPZ", "dataTypeDisplay": native}
    found = _TYPES.get(native.partition("(")[0].partition(" ")[0], "UNKNOWN")
    fields: dict[str, Any] = {"dataType": found, "dataTypeDisplay": native}
    if found in {"DECIMAL", "NUMERIC"} and (digits := _DIGITS.search(native)):
        fields |= {"precision": int(digits[1]), "scale": int(digits[2])}
    return fields
