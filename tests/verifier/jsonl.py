"""Lines of JSON whose values must be what they should be; anything else is `Bad`."""

import json
import re

from .findings import Bad

HEX = re.compile(r"(?:[0-9a-f]{2})*")


def get(object_, name, kind, default=None):
    """The value of a name, which must be of a kind."""
    value = object_.get(name, default)
    if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
        raise Bad(f"{name}: not there, or not what it should be")
    return value


def hex_bytes(object_, name):
    """Bytes in lower-case hex."""
    value = get(object_, name, str)
    if not HEX.fullmatch(value):
        raise Bad(f"{name}: not hex")
    return bytes.fromhex(value)


def objects(object_, name):
    """A list of objects, empty if the name is not there."""
    values = get(object_, name, list, [])
    if not all(isinstance(value, dict) for value in values):
        raise Bad(f"{name}: not objects")
    return values


def read_line(line):
    """The object of a line."""
    try:
        object_ = json.loads(line)
    except (ValueError, RecursionError):
        raise Bad("a line that is not JSON") from None
    if not isinstance(object_, dict):
        raise Bad("a line that is no object")
    return object_
