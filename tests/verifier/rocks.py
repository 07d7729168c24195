"""Section "Data folder": reads a RocksDB database without writing a byte beside it.

The reader is the RocksDB inside of the package rocksdict. It leaves a small file of its own in the folder that it opens, so it
is shown a temporary folder of symbolic links instead.
"""

import os
import tempfile

from rocksdict import AccessType, DBRecoveryMode, Options, Rdict, ReadOptions

from . import wal
from .findings import Bad


class Database:
    """All rows of a closed database, by family; `later` are those that an earlier format does not have."""

    def __init__(self, path, families, findings, notes, later=()):
        self.name, self._later, self._families = os.path.basename(path), later, {}
        with tempfile.TemporaryDirectory() as shadow:
            for name in os.listdir(path):
                os.symlink(os.path.join(os.path.abspath(path), name), os.path.join(shadow, name))
            self._read(shadow, families, findings, notes)

    def _read(self, shadow, families, findings, notes):
        try:
            found = Rdict.list_cf(shadow, Options(raw_mode=True))
            database = _open(shadow, found, DBRecoveryMode.point_in_time())
        except Exception as error:  # rocksdict raises bare exceptions
            raise Bad(f"{self.name}/ does not open: {_words(error, shadow)}") from None
        try:
            self._check_log(shadow, found, findings, notes)
            for name in sorted(set(found) | set(families)):
                if name not in found and name in self._later:
                    continue
                if name not in found or name not in families and name != "default":
                    findings.add(f"{self.name}/: the family {name!r} is {'not there' if name in families else 'none of the page'}")
                    continue
                rows = self._families[name] = []
                try:
                    _copy(database.get_column_family(name), rows)
                except Exception as error:
                    findings.add(f"{self.name}/ family {name}: the stored bytes are damaged: {_words(error, shadow)}")
            if self._families.get("default"):
                findings.add(f"{self.name}/: the family default is not empty")
        finally:
            database.close()

    def _check_log(self, shadow, found, findings, notes):
        try:
            _open(shadow, found, DBRecoveryMode.absolute_consistency()).close()
            return
        except Exception as error:
            why = _words(error, shadow)
        state = wal.state(shadow)
        if state == "damaged":
            findings.add(f"{self.name}/: its log is damaged, and an intact batch stands beyond: it had been acknowledged")
        elif state == "whole":  # every record is intact, and yet they do not follow each other
            findings.add(f"{self.name}/: its logs do not fit together: {why}")
        else:
            notes.append(f"{self.name}/: its log ends in the middle of a batch, which was not acknowledged and is passed over")

    def rows(self, family):
        """Rows of a family, ascending by key."""
        return self._families.get(family, [])


def _open(path, families, mode):
    options = Options(raw_mode=True)
    options.create_if_missing(False)
    options.set_wal_recovery_mode(mode)
    each = {name: Options(raw_mode=True) for name in families}
    return Rdict(path, options=options, column_families=each, access_type=AccessType.read_only())


def _copy(family, rows):
    iterator = family.iter(ReadOptions())
    iterator.seek_to_first()
    while iterator.valid():
        rows.append((bytes(iterator.key()), bytes(iterator.value())))
        iterator.next()
    iterator.status()


def _words(error, shadow):
    return str(error).replace(shadow + "/", "")
