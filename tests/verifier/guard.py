"""Section "Guard": how far each trail was, in a text file of its own."""

import re

from .encoding import derive
from .findings import Bad, Refused
from .note import unbase64

TITLE = b"akta guard 1\n"
LINE = re.compile(r"(\S+) (0|[1-9][0-9]{0,19}) ([A-Za-z0-9+/]{43}=) ([0-9a-f]{16})")


def read_guard(data):
    """Of the lines of each origin that check the greatest, of equal ones the first: {origin: (size, root)}."""
    if not data.startswith(TITLE):
        raise Refused("the guard is not one of format 1")
    heads = {}
    for raw in data[len(TITLE) :].split(b"\n")[:-1]:
        try:
            line = LINE.fullmatch(raw.decode("ascii"))
            digits = derive("akta v1 guard line", raw.rpartition(b" ")[0])[:8].hex()
            if line and line[4] == digits:
                head = int(line[2]), unbase64(line[3], "guard")
                if head[0] > heads.get(line[1], (-1,))[0]:
                    heads[line[1]] = head
        except (UnicodeDecodeError, Bad):
            continue
    return heads
