"""Section "Guard": how far each trail was, in a text file of its own."""

import re

from .encoding import derive
from .findings import Bad, Refused
from .note import unbase64

TITLE = b"akta guard 1\n"
LINE = re.compile(r"(\S+) (0|[1-9][0-9]{0,19}) ([A-Za-z0-9+/]{43}=) ([0-9a-f]{16})")


def read_guard(data):
    """The last line of each origin that checks: {origin: (size, root)}. Lines that do not check are passed over."""
    if not data.startswith(TITLE):
        raise Refused("the guard is not one of format 1")
    last = {}
    for raw in data[len(TITLE) :].split(b"\n")[:-1]:
        try:
            line = LINE.fullmatch(raw.decode("ascii"))
            digits = derive("akta v1 guard line", raw.rpartition(b" ")[0])[:8].hex()
            if line and line[4] == digits:
                last[line[1]] = int(line[2]), unbase64(line[3], "guard")
        except (UnicodeDecodeError, Bad):
            continue
    return last
