"""Sections "Parts", "Dates" and "Vault": what must be true of an event once its parts are open."""

from . import dates, messages, parts, policy, vault
from .findings import Bad
from .parts import ACTOR, CORE, NAMES, SUBJECT

SCHEMA = 1


def check_core(header, core, last_recorded, in_force):
    """What Akta itself fills in, and the class that follows from action and outcome; `in_force` is the policy, None where the
    notices are not at hand."""
    assurances = {messages.number("SourceAssurance", word) for word in ("NATIVE", "IMPORT")}
    if core.schema_version != SCHEMA or not policy.is_version(core.policy_version) or core.source_assurance not in assurances:
        raise Bad("its core has a version, policy or assurance that is not there yet")
    if in_force and core.policy_version != in_force.version:
        raise Bad(f"its core names another policy than {in_force.version}, which was in force")
    if dates.utc_day(core.recorded_at) != header.day:
        raise Bad("it was not recorded on the day of its header")
    if core.recorded_at < last_recorded:
        raise Bad("its recorded time is before that of the record before")
    if header.class_ not in policy.classes(core.action, core.outcome, core.purpose):
        raise Bad("its header names a class that its action and outcome do not give")


def check_dates(header, core, zone, in_force):
    """Each part expires on the date that the policy gives for the day of `occurred_at` in the trail's zone."""
    day = dates.local_day(core.occurred_at, zone)
    recorded = max(dates.local_day(core.recorded_at, zone), header.day)
    for group in header.groups:
        for part in group.ids():
            due = in_force.expiry(header.class_, part, day)
            if due is None:
                raise Bad(f"part {NAMES[part]} is there, but its class does not keep it")
            if due != group.date:
                raise Bad(f"part {NAMES[part]} expires on {dates.shown(group.date)}, the policy says {dates.shown(due)}")
            if due <= recorded:
                raise Bad(f"part {NAMES[part]} was past when it was recorded")


def check_subjects(opened):
    """Subjects are numbered from 0 without gap."""
    numbers = sorted(part.index for part, _ in opened if part.part == SUBJECT)
    if numbers != list(range(len(numbers))):
        raise Bad("its subjects are not numbered from 0 without gap")


def pseudonyms(opened):
    """Every pseudonym that stands in the opened parts."""
    for part, message in opened:
        if part.part in (ACTOR, SUBJECT):
            yield message.pseudonym
        if part.part == ACTOR and message.on_behalf_of:
            yield message.on_behalf_of


def check_people(header, opened, controller, people, partly=False):
    """Every pseudonym leads to somebody of this controller, in the domain of the record's class. Returns those that lead to
    nobody, and those whose id is gone: notices must say so."""
    unled, nameless = [], []
    for pseudonym in pseudonyms(opened):
        person = people.get(pseudonym)
        if person is None:
            unled.append(pseudonym)
            continue
        if person.nameless:
            nameless.append(pseudonym)
        if (person.controller, person.domain) != (controller, vault.domain(header.class_)):
            raise Bad("somebody in it is of another controller or domain")
    if opened and header.class_ == policy.LOG_ACCESS and not partly:
        callers = [people.get(message.pseudonym) for part, message in opened if part.part == ACTOR]
        if len(callers) != 1 or callers[0] and callers[0].namespace != "caller":
            raise Bad("a read of the trail whose actor is not its caller")
    return unled, nameless


def core_of(opened):
    """The message of part 0, if it is open."""
    return next((message for part, message in opened if part.part == CORE), None)


def read(group):
    """The messages of a group's parts."""
    return [(part, parts.read(part)) for part in sorted(group, key=parts.Part.key) if isinstance(part, parts.Part)]
