"""Dates by a plain calculation: `PYTHONPATH=tests python -m verifier.reckon`, a question and an answer a line.

A question names zone, occurred_at in nanoseconds, class, and by class what was chosen; the answer has the dates of core, net, session
and detail, in days since 1970-01-01, null for what is not kept.
"""

import json
import sys

from . import dates, policy
from .parts import CORE, DETAIL, NET, SESSION


def answer(question):
    """The dates that the page's words give."""
    in_force = policy.Policy()
    for class_, lifetimes in question["chosen"].items():
        in_force.chosen[int(class_)] = tuple(lifetime and tuple(lifetime) for lifetime in lifetimes)
    day = dates.local_day(question["occurred_at"], dates.zone(question["zone"]))
    return [in_force.expiry(question["class"], part, day) for part in (CORE, NET, SESSION, DETAIL)]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))))
