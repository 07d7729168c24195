"""Section "Export": the words of a line, which are for reading, against the parts, which are proved."""

import ipaddress
import uuid

from . import dates, messages
from .findings import Bad
from .jsonl import get
from .parts import ACTOR, NET, SUBJECT


def shown_time(instant):
    """RFC 3339 in UTC, cut to milliseconds."""
    moment = dates.START + dates.datetime.timedelta(milliseconds=instant // 10**6)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def word(enum, number):
    """The word of a number, or its digits where this version has no word."""
    return messages.word(enum, number) or str(number)


def _pseudonym(person):
    return person.get("pseudonym") if isinstance(person, dict) else None


def check_words(object_, core, read):
    """The words of a line that say what happened, against the parts."""
    by_id = {part.part: message for part, message in read}
    actor, net = by_id.get(ACTOR), by_id.get(NET)
    subjects = [message.pseudonym.hex() for part, message in read if part.part == SUBJECT]
    shown = get(object_, "subjects", list, [])
    due = {
        "controller": (object_.get("controller"), object_["origin"].split("/")[1]),
        "action": (object_.get("action"), word("Action", core.action)),
        "outcome": (object_.get("outcome"), word("Outcome", core.outcome)),
        "event_id": (object_.get("event_id"), str(uuid.UUID(bytes=core.event_id))),
        "occurred_at": (object_.get("occurred_at"), shown_time(core.occurred_at)),
        "recorded_at": (object_.get("recorded_at"), shown_time(core.recorded_at)),
        "actor": (_pseudonym(object_.get("actor")), actor.pseudonym.hex() if actor else None),
        "subjects": ([_pseudonym(person) for person in shown], subjects),
        "on_behalf_of": (_pseudonym(object_.get("on_behalf_of")), actor.on_behalf_of.hex() or None if actor else None),
        "purpose": (object_.get("purpose"), word("Purpose", core.purpose) if core.purpose else None),
        "resource_type": (object_.get("resource_type"), core.resource_type or None),
        "ip": (object_.get("ip"), str(ipaddress.ip_address(net.ip)) if net and net.ip else None),
    }
    for name, (said, true) in due.items():
        if said != true:
            raise Bad(f"{name}: the line says something else than the part that is proved")
