"""Section "Data folder": reads a RocksDB database without writing a byte beside it.

The reader is the RocksDB inside of the package rocksdict. It leaves a small file of its own in the folder that it opens, so it
is shown a temporary folder of symbolic links instead.
"""

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from rocksdict import AccessType, DBRecoveryMode, Options, Rdict, ReadOptions

from . import wal
from .findings import Bad


# How often a reader is started that dies without a word.
_READERS = 3


class Database:
    """All rows of a closed database, by family; `later` are those that an earlier format does not have.

    A process of its own reads it: the package's RocksDB dies of SIGSEGV now and then beside other work, of a folder that it reads
    a moment later. Whoever died has said nothing, and another is asked.
    """

    def __init__(self, path, families, findings, notes, later=()):
        self.name = os.path.basename(path)
        self._families, said, noted = _apart(_Reader(path, families, later))
        for what in said:
            findings.add(what)
        notes.extend(noted)

    def rows(self, family):
        """Rows of a family, ascending by key."""
        return self._families.get(family, [])


def _apart(reader):
    for _ in range(_READERS):
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as pool:
            try:
                return pool.submit(reader.read).result()
            except BrokenProcessPool:
                continue
    raise Bad(f"{reader.name}/ was not read: {_READERS} readers died of it")


class _Reader:
    def __init__(self, path, families, later):
        self.name, self.path, self.families, self.later = os.path.basename(path), path, families, later
        self.rows, self.findings, self.notes = {}, [], []

    def read(self):
        """Rows by family, findings and notes."""
        with tempfile.TemporaryDirectory() as shadow:
            for name in os.listdir(self.path):
                os.symlink(os.path.join(os.path.abspath(self.path), name), os.path.join(shadow, name))
            self._read(shadow)
        return self.rows, self.findings, self.notes

    def _read(self, shadow):
        try:
            found = Rdict.list_cf(shadow, Options(raw_mode=True))
            database = _open(shadow, found, DBRecoveryMode.point_in_time())
        except Exception as error:  # rocksdict raises bare exceptions
            raise Bad(f"{self.name}/ does not open: {_words(error, shadow)}") from None
        try:
            self._check_log(shadow, found)
            for name in sorted(set(found) | set(self.families)):
                if name not in found and name in self.later:
                    continue
                if name not in found or name not in self.families and name != "default":
                    there = "not there" if name in self.families else "none of the page"
                    self.findings.append(f"{self.name}/: the family {name!r} is {there}")
                    continue
                rows = self.rows[name] = []
                try:
                    _copy(database.get_column_family(name), rows)
                except Exception as error:
                    self.findings.append(f"{self.name}/ family {name}: the stored bytes are damaged: {_words(error, shadow)}")
            if self.rows.get("default"):
                self.findings.append(f"{self.name}/: the family default is not empty")
        finally:
            database.close()

    def _check_log(self, shadow, found):
        try:
            _open(shadow, found, DBRecoveryMode.absolute_consistency()).close()
            return
        except Exception as error:
            why = _words(error, shadow)
        state = wal.state(shadow)
        if state == "damaged":
            self.findings.append(f"{self.name}/: its log is damaged, and an intact batch stands beyond: it had been acknowledged")
        elif state == "whole":  # every record is intact, and yet they do not follow each other
            self.findings.append(f"{self.name}/: its logs do not fit together: {why}")
        else:
            self.notes.append(f"{self.name}/: its log ends in the middle of a batch, which was not acknowledged and is passed over")


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
