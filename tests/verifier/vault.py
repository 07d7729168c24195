"""Section "Vault": who stands behind pseudonyms."""

from collections import Counter
from dataclasses import dataclass

from . import keys, messages, policy
from .encoding import NAME, Cursor, derive, keyed, text, u8, u16
from .findings import Bad

ACCOUNT, CONTACT = 0, 1


@dataclass(frozen=True)
class Person:
    """An opened row, as far as records need it."""

    controller: str
    namespace: str
    domain: int
    nameless: bool = False


def identity(controller, namespace, id_):
    """The bytes that stand for an identity in hashes."""
    return text(controller) + text(namespace) + text(id_)


def pseudonym(salt, identity_):
    """32 bytes that commit to an identity."""
    return derive("akta v1 pseudonym", salt, identity_)


def bucket(lasting_key, identity_):
    """Which bucket an identity is in, 0 to 4095."""
    return int.from_bytes(keyed(keys.bucket_choice(lasting_key), identity_)[:2], "big") >> 4


def row_hash(bucket_key, identity_, domain):
    """The name of a row in its bucket."""
    return keyed(keys.row_key(bucket_key), identity_, u8(domain))


def email_shaped(id_):
    """Whether something stands before the first @ and a dot somewhere after it."""
    before, mark, after = id_.partition("@")
    return bool(mark and before and "." in after)


def domain(class_):
    """The domain of the pseudonyms in records of a class."""
    return policy.DOMAINS.get(class_, 1)


def _place(half, key):
    return u8(1) + u8(half) + key


def split_row(value):
    """The two sealed halves of a row; the second is empty if there are no contact data."""
    cursor = Cursor(value, "vault row")
    if cursor.number(1) != 1:
        raise Bad("vault row: a format other than 1")
    account, contact = cursor.take(cursor.number(2)), cursor.rest()
    if len(account) < 28 or 0 < len(contact) < 28:
        raise Bad("vault row: a half is too short to be sealed")
    return account, contact


def _open_row(key, value, ring, trails):
    """Account and contact of a row, under the key of whichever controller it opens."""
    account, contact = split_row(value)
    bucket_key = ring.bucket(int.from_bytes(key[:2], "big"))
    for trail in trails:
        try:
            vault_key = keys.vault_key(bucket_key, ring.controller(trail.slot))
            plain = keys.open_sealed(vault_key, account, _place(ACCOUNT, key), "vault row")
        except Bad:
            continue
        more = keys.open_sealed(vault_key, contact, _place(CONTACT, key), "vault row: its contact half") if contact else b""
        return trail, messages.parse("VaultAccount", plain), messages.parse("VaultContact", more), bool(contact)
    raise Bad("vault row: it opens under no controller's key in its place")


def _check_row(key, value, ring, trails):
    trail, account, contact, has_contact = _open_row(key, value, ring, trails)
    in_contact = not account.id
    id_ = contact.id if in_contact else account.id
    if account.masked and has_contact:
        raise Bad("vault row: of somebody who is masked, with contact data")
    if account.masked and not id_:
        return _check_nameless(key, account, ring, trail)
    if account.controller != trail.controller:
        raise Bad("vault row: sealed under the key of another controller")
    if not NAME.fullmatch(account.namespace) or not id_ or not 1 <= account.domain <= 4 or len(account.salt) != 32:
        raise Bad("vault row: no namespace, id, domain or salt")
    if in_contact != email_shaped(id_) or (contact.id and not in_contact):
        raise Bad("vault row: its id stands in the wrong half")
    if has_contact and not (contact.id or contact.display_name or contact.email):
        raise Bad("vault row: a contact half without contact data")
    who = identity(account.controller, account.namespace, id_)
    if pseudonym(account.salt, who) != account.pseudonym:
        raise Bad("vault row: its pseudonym does not commit to its identity")
    number = bucket(ring.lasting_key, who)
    if u16(number) + row_hash(ring.bucket(number), who, account.domain) != key:
        raise Bad("vault row: it stands under the name of another identity")
    return account.pseudonym, Person(account.controller, account.namespace, account.domain)


def _check_nameless(key, account, ring, trail):
    """Of somebody whose id was an e-mail address and went with it: the pseudonym names the row."""
    if account.controller != trail.controller or not NAME.fullmatch(account.namespace) or not 1 <= account.domain <= 4:
        raise Bad("vault row: no namespace or domain, or of another controller")
    if account.salt:
        raise Bad("vault row: of somebody whose id is gone, with the salt by which it can be guessed")
    if key[2:] != row_hash(ring.bucket(int.from_bytes(key[:2], "big")), account.pseudonym, account.domain):
        raise Bad("vault row: it stands under the name of another pseudonym")
    return account.pseudonym, Person(account.controller, account.namespace, account.domain, True)


def read_vault(database, ring, trails, findings):
    """Everybody in the vault by pseudonym, after both families were checked against each other; None without keys."""
    rows, names = dict(database.rows("row")), dict(database.rows("pseudonym"))
    people, named = {}, set()
    for key, value in names.items():
        if len(key) != 32 or len(value) != 34:
            findings.add("vault: a row of the family pseudonym that is none")
        elif value not in rows:
            findings.add("vault: a pseudonym leads to a row that is not there")
    for key, value in rows.items():
        try:
            if len(key) != 34:
                raise Bad("vault row: a key that is none")
            if ring is None:
                split_row(value)
                continue
            pseudonym_, person = _check_row(key, value, ring, trails)
            name = keyed(keys.pseudonym_key(ring.lasting_key), pseudonym_)
            if names.get(name) != key:
                raise Bad("vault row: its pseudonym does not lead to it")
            people[pseudonym_] = person
            named.add(name)
        except Bad as bad:
            findings.add(bad)
    if ring is None:
        # Whose name is whose cannot be told, but each row has one.
        led_to = Counter(names.values())
        for key in rows:
            if led_to[key] != 1:
                findings.add("vault: a row to which not exactly one pseudonym leads")
        return None
    for name in names.keys() - named:
        if names[name] in rows:
            findings.add("vault: a pseudonym leads to a row that is not its own")
    return people
