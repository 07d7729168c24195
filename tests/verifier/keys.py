"""Sections "Keys" and "Sealed values": what is derived from the keyring, and how sealed values open."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .encoding import derive
from .findings import Bad

SEAL = 28  # nonce and tag, around any sealed value
DEV_KEK = derive("akta v1 dev kek")


def seal_key(controller_key, date_key, trail):
    """Seals the frames of one trail and date."""
    return derive("akta v1 seal key", controller_key, date_key, trail)


def index_key(controller_key, date_key, trail):
    """Keys the terms of one trail and date."""
    return derive("akta v1 index key", controller_key, date_key, trail)


def bucket_choice(lasting_key):
    """Chooses the bucket of an identity."""
    return derive("akta v1 vault bucket", lasting_key)


def row_key(bucket_key):
    """Names a row in its bucket."""
    return derive("akta v1 vault row", bucket_key)


def vault_key(bucket_key, controller_key):
    """Seals rows of the vault."""
    return derive("akta v1 vault key", bucket_key, controller_key)


def pseudonym_key(lasting_key):
    """Names rows of the family `pseudonym`."""
    return derive("akta v1 vault pseudonym", lasting_key)


def open_sealed(key, sealed, place, what):
    """`12 nonce || ciphertext || 16 tag`, AES-256-GCM, with its place as associated data."""
    if len(sealed) < SEAL:
        raise Bad(f"{what} is too short to be sealed")
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], place)
    except InvalidTag:
        raise Bad(f"{what} does not open under its key in its place") from None
