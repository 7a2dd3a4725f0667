"""The values of Trino's answers, each tagged with what it is, and the words of their types.

How a value stands in JSON: https://trino.io/docs/current/develop/client-protocol.html
"""

WHOLE = ("tinyint", "smallint", "integer", "bigint")
FLOATS = ("real", "double")


def parts(of):
    return [argument["value"] for argument in of["arguments"]]


def word(of):
    """Returns a type as it is written in SQL."""
    raw = of["rawType"]
    if raw == "row":
        members = (f"{part['fieldName']['name']} {word(part['typeSignature'])}" for part in parts(of))
        return f"row({', '.join(members)})"
    if raw in ("array", "map"):
        return f"{raw}({', '.join(word(part) for part in parts(of))})"
    if raw == "varchar" and parts(of) in ([], [2147483647]):
        return raw
    numbers = ",".join(str(part) for part in parts(of))
    if raw.startswith("timestamp") and numbers:
        return raw.replace("timestamp", f"timestamp({numbers})", 1)
    return f"{raw}({numbers})" if numbers else raw


def tagged(value, of):
    """Returns a value with what it is."""
    raw = of["rawType"]
    if value is None:
        return None
    if raw == "row":
        members = zip(parts(of), value)
        return {"struct": [[part["fieldName"]["name"], tagged(one, part["typeSignature"])] for part, one in members]}
    if raw == "array":
        return {"list": [tagged(one, parts(of)[0]) for one in value]}
    if raw == "map":
        key, kept = parts(of)
        return {"map": [[tagged(name, key), tagged(one, kept)] for name, one in value.items()]}
    if raw == "boolean":
        return {"boolean": value}
    if raw in WHOLE:
        return {"whole": str(value)}
    if raw in FLOATS:
        return {raw: repr(float(value)).replace("inf", "Infinity")}
    if raw == "decimal":
        return {"decimal": value}
    if raw == "date" or raw.startswith(("timestamp", "time")):
        return {"time": value}
    if raw == "varbinary":
        return {"bytes": value}
    return {"text": value}
