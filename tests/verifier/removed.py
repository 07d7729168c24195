"""Sections "Removals" and "Notices": people who are deactivated, masked, restricted or erased, and what is gone of theirs."""

import re
from collections import defaultdict

from . import dates, messages, parts, policy
from .encoding import Cursor, split_origin, u8
from .findings import Bad
from .header import EVENT
from .keys import SEAL, open_sealed, vault_key

KINDS = ("identity_deactivated", "identity_masked", "identity_erased", "identity_restricted", "restriction_lifted")
DOMAINS = ("access", "accounting", "evidence", "register")
LETTERS = {"n": parts.NET, "s": parts.SESSION, "d": parts.DETAIL}
ERASABLE = set(LETTERS.values())
MASK_DAYS, SHORT, LONG = 90, 24, 84
GROUNDS, ERASURE, REGISTER, EVIDENCE, ACCOUNTING, LEDGER = range(1, 7), 1, 4, 6, 7, 9
# class -> the only reason for which its records still lead to somebody
LAWFUL = {REGISTER: 2, EVIDENCE: 3, ACCOUNTING: 4}
KEPT = (0, 1)
KEY = 22
PSEUDONYM, POSITION, ITEM = re.compile("[0-9a-f]{64}"), re.compile("[0-9]{20}"), re.compile("(0|[1-9][0-9]*)(n?s?d?)")


def _due(at, zone, months):
    return dates.number(dates.plus_months(dates.date(dates.local_day(at, zone)), months))


def check_date(kind, at, group, zone):
    """The date of the slices."""
    short, long = _due(at, zone, SHORT), _due(at, zone, LONG)
    first, last = {"identity_masked": (long, long), "identity_erased": (short, long)}.get(kind, (short, short))
    if not first <= group.date <= last:
        raise Bad(f"notice: its slices expire on {dates.shown(group.date)}, due is {dates.shown(first)}")


def _attributes(slice_):
    if any(name.name != "attributes" for name, _ in slice_.ListFields()):
        raise Bad("notice: a slice that has more than attributes")
    said = [(attribute.key, attribute.value) for attribute in slice_.attributes]
    if any(a >= b for (a, _), (b, _) in zip(said, said[1:])):
        raise Bad("notice: attributes of a slice do not ascend")
    return said


def read_slices(kind, slices):
    """Pseudonyms and (seq, parts) that a notice lists, from the messages of its slices by index."""
    said = [_attributes(slice_) for _, slice_ in slices]
    many = kind == "identity_erased"
    fewest, most = {"identity_erased": (2, 1 << 16), "identity_masked": (1, 2)}.get(kind, (1, 1))
    if [index for index, _ in slices] != list(range(len(said))) or not fewest <= len(said) <= most:
        raise Bad("notice: its slices are not those of its kind")
    if [key for key, _ in said[0]] not in (["by"], ["by", "ground"]) or not all(value for _, value in said[0]):
        raise Bad("notice: slice 0 does not say who and why")
    if kind == "identity_masked" and said[0][0][1] != "akta":
        raise Bad("notice: somebody masks by hand")
    people = said[1] if len(said) > 1 else []
    if len(said) == 2 and not many and not people or any(key not in DOMAINS or not PSEUDONYM.fullmatch(value) for key, value in people):
        raise Bad("notice: slice 1 does not name people by their pseudonyms")
    return [bytes.fromhex(value) for _, value in people], _list(said[2:])


def _list(said):
    listed = []
    for attributes in said:
        if not attributes:
            raise Bad("notice: a slice that lists nothing")
        for key, value in attributes:
            if not POSITION.fullmatch(key):
                raise Bad("notice: a list that does not begin with a position")
            seq = int(key)
            for number, item in enumerate(value.split(" ")):
                found = ITEM.fullmatch(item)
                if not found or not found[2] or (number == 0) != (found[1] == "0"):
                    raise Bad("notice: an item that is not one of a list")
                seq += int(found[1])
                listed.append((seq, {LETTERS[letter] for letter in found[2]}))
    if any(a >= b for (a, _), (b, _) in zip(listed, listed[1:])):
        raise Bad("notice: the parts that it lists do not ascend")
    return listed


class People:
    """What the notices of a trail say of people, one after another; what is gone is by record, by pseudonym."""

    def __init__(self, zone):
        self.zone = zone
        self.deactivated, self.lifted, self.erased = {}, {}, {}
        self.gone, self.nobody, self.masked, self.told = defaultdict(dict), {}, set(), set()
        # Whose parts are gone, by record; lists of other trails' records; the last erasure whose slices are not at hand.
        self.whose, self.others, self.forgotten = {}, [], -1

    def check(self, header, core, kind, slices, requests, headers, trail=("", "")):
        """One notice after those before it."""
        message, at = getattr(core, kind), core.recorded_at
        check_date(kind, at, header.groups[1], self.zone)
        if len(message.id) != 16:
            raise Bad("notice: its id is not one of 16 bytes")
        self.told.add(told_of(kind, message))
        self._of_other(kind, message, trail)
        today = dates.local_day(at, self.zone)
        more = kind == "identity_erased" and self._erased(message, core.ordinal, requests)
        if kind != "identity_erased":
            getattr(self, "_" + kind)(message, today)
        if slices is None:
            self.forgotten = header.seq if kind == "identity_erased" else self.forgotten
            return
        pseudonyms, listed = read_slices(kind, slices)
        if kind == "identity_masked":
            self.masked.update(pseudonyms)
        if kind == "identity_erased":
            if more and pseudonyms:
                raise Bad("notice: one that goes on with a list names people again")
            self.nobody |= dict.fromkeys(pseudonyms, header.seq)
            if message.origin:
                self.others.append((message, header, listed, pseudonyms))
            else:
                self.list(message, header, listed, pseudonyms, headers, header.seq)

    @staticmethod
    def _of_other(kind, message, trail):
        """It may list records of a trail before this one, and only then tell again what that did."""
        if kind != "identity_erased" or not (message.origin or message.restated):
            return
        origin, follows = trail
        if not follows or split_origin(message.origin)[1] != origin.split("/")[1] or message.origin == origin:
            raise Bad("notice: it lists records of a trail that is not one of its controller's before it")

    def _identity_deactivated(self, message, today):
        known = self.deactivated.get(message.id)
        if not 0 < message.mask_on <= today + MASK_DAYS:
            raise Bad("notice: it names no day, or one too far ahead")
        if known and (known[1] or known[0] <= message.mask_on):
            raise Bad("notice: it names no earlier day than one before it, or somebody who is masked")
        self.deactivated[message.id] = (message.mask_on, False)

    def _identity_masked(self, message, today):
        mask_on, masked = self.deactivated.get(message.id, (None, True))
        if masked or today < mask_on:
            raise Bad("notice: it masks somebody who is not to be masked, or is already")
        self.deactivated[message.id] = (mask_on, True)

    def _identity_restricted(self, message, today):
        if message.id in self.lifted:
            raise Bad("notice: its id is that of a restriction before it")
        self.lifted[message.id] = False

    def _restriction_lifted(self, message, today):
        if self.lifted.get(message.id) is not False:
            raise Bad("notice: it lifts what is no restriction, or is lifted")
        self.lifted[message.id] = True

    def _erased(self, message, ordinal, requests):
        """Whether it goes on with the list of the one before."""
        before = self.erased.get(message.id)
        more = before is not None
        if more and before + 1 != ordinal:
            raise Bad("notice: it erases by a request by which somebody was erased")
        self.erased[message.id] = ordinal
        request = requests.get(message.id)
        if not message.restated and (request is None or request.deed != ERASURE or not request.used):
            raise Bad("notice: it erases without a request that was agreed to and used")
        if message.ground not in GROUNDS:
            raise Bad("notice: it erases on no ground")
        holds = list(message.holds)
        if any(len(hold) != 16 for hold in holds) or any(a >= b for a, b in zip(holds, holds[1:])):
            raise Bad("notice: its holds do not ascend")
        numbers = [class_.retention_class for class_ in message.classes]
        if any(a >= b for a, b in zip(numbers, numbers[1:])):
            raise Bad("notice: its classes do not ascend")
        for class_ in message.classes:
            number = class_.retention_class
            if not policy.SESSION_CLASS <= number < LEDGER or class_.kept not in ((LAWFUL[number],) if number in LAWFUL else KEPT):
                raise Bad("notice: what it says of a class cannot be")
            if number in LAWFUL and (class_.stripped or class_.parts) or more and class_.records:
                raise Bad("notice: what it says of a class cannot be")
        return more

    def list(self, message, header, listed, pseudonyms, headers, size):
        """What a notice lists of records below `size`, in this trail or in one that follows it."""
        counts = defaultdict(lambda: [0, 0])
        for seq, ids in listed:
            record = headers[seq] if seq < size and seq < len(headers) and headers[seq].seq == seq else None
            groups = {part: group for group in record.groups for part in group.ids()} if record and record.kind == EVENT else {}
            if not ids <= groups.keys() or any(groups[part].date > header.groups[1].date for part in ids):
                raise Bad("notice: it lists parts that there were not, or that outlive it")
            counts[record.class_][0] += 1
            counts[record.class_][1] += len(ids)
            self.gone[seq] |= dict.fromkeys(ids, header.seq)
            if pseudonyms:
                self.whose[seq] = set(pseudonyms)
        told = {class_.retention_class: [class_.stripped, class_.parts] for class_ in message.classes if class_.parts or class_.stripped}
        if told != counts:
            raise Bad("notice: it lists other parts than it counts")

    def after(self, later):
        """Takes in what the trails that follow this one say of its people."""
        end = 1 << 64
        for people in later:
            self.nobody |= dict.fromkeys(people.nobody, end)
            self.masked |= people.masked
            self.told |= people.told
            self.forgotten = end if people.forgotten >= 0 else self.forgotten

    def take(self, lists, headers, find):
        """Takes in lists of records of this trail, that trails which follow it tell."""
        for message, header, listed, pseudonyms in lists:
            try:
                self.list(message, header, listed, pseudonyms, headers, len(headers))
            except Bad as bad:
                find(bad)

    def check_gone(self, bare, whole, unled, nameless, find):
        """What is gone of records is listed, and what is listed is gone. `bare` and `whole` are parts by record, `unled` pseudonyms that
        lead to nobody and `nameless` those whose id is gone, with records that name them."""
        for seq, ids in bare.items():
            if not ids <= self.gone.get(seq, {}).keys():
                find("a part of it is gone, and no notice lists it", seq)
        for seq, ids in self.gone.items():
            if ids.keys() & whole.get(seq, set()):
                find("a part of it is listed as erased, and is there: an erasure was stopped under way", seq)
        for seq, pseudonym in unled:
            if max(self.nobody.get(pseudonym, -1), self.forgotten) < seq:
                find("somebody in it cannot be led back: the vault has no row", seq)
        for seq, pseudonym in nameless:
            if pseudonym not in self.masked:
                find("somebody in it cannot be led back: the id is gone, and no notice masks them", seq)


    def check_names(self, names, people, find):
        """Of whom a list names, a listed record names nobody else; and nobody who is erased is led back. `names` are pseudonyms by record."""
        for seq, own in names.items():
            if seq in self.whose and own - self.whose[seq]:
                find("parts of it are listed as erased, and it names somebody else, too", seq)
            if any(pseudonym in people and self.nobody.get(pseudonym, -1) > seq for pseudonym in own):
                find("somebody in it is erased, and the vault leads back to them", seq)


def told_of(kind, message):
    """What tells one notice of people from another. Of an erasure, told again after a restore, the id."""
    return kind, message.id if kind == "identity_erased" else message.SerializeToString(deterministic=True)


def by_trail(database, ring, trails, findings):
    """What each removal in the vault says that the trail tells, by trail number."""
    told, known = defaultdict(list), {trail.number: trail for trail in trails}
    for key, value in database.rows("removal"):
        try:
            trail = known.get(int.from_bytes(key[2:6], "big"))
            cursor = Cursor(value, "removal")
            if len(key) != KEY or trail is None or cursor.number(1) != 1:
                raise Bad("removal: a row of no trail, with a key that is none, or of a format other than 1")
            sealed = cursor.rest()
            if len(sealed) < SEAL:
                raise Bad("removal: too short to be sealed")
            if ring is None:
                continue
            own = vault_key(ring.bucket(int.from_bytes(key[:2], "big")), ring.controller(trail.slot))
            removal = messages.parse("Removal", open_sealed(own, sealed, u8(1) + u8(2) + key, "removal"))
            for notice in removal.told:
                kind = notice.core.WhichOneof("kind")
                if kind not in KINDS:
                    raise Bad("removal: it tells of something else than people")
                told[trail.number].append(told_of(kind, getattr(notice.core, kind)))
        except Bad as bad:
            findings.add(f"vault: {bad}")
    return told
