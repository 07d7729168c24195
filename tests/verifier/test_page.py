"""The verifier against the page itself: `PYTHONPATH=tests python -m unittest verifier.test_page`.

The values of "Worked example" are read out of docs/format.md, so that page and verifier cannot drift apart.
"""

import contextlib
import datetime
import io
import random
import re
import unittest

from . import acts, dates, event, export, frame, guard, header, index, jsonl, keyring, keys, messages, meta, note, parts, removed, tree, vault
from .encoding import split_origin, trail_id, u8, u32
from .findings import Bad, Findings, Refused
from .messages import ROOT

PAGE = (ROOT / "docs/format.md").read_text()
EXAMPLE = PAGE.partition("## Worked example")[2].partition("```python")[0]
ORIGIN = "akta.dev/school-12/w0a1b2c3d"


def value(name):
    """The hex that the worked example gives under a name, over as many lines as it has."""
    lines = iter(EXAMPLE.partition(f"\n{name} ")[2].split("\n"))
    found = [re.match(r"\s*((?:[0-9a-f]{2,} ?)+)", next(lines))[1]]
    for line in lines:
        if not re.match(r"\s{15}[0-9a-f]", line):
            break
        found.append(line)
    return bytes.fromhex("".join("".join(found).split()))


class Page(unittest.TestCase):
    """Each module gives the page's values."""

    def same(self, name, computed):
        self.assertEqual(value(name).hex(), computed.hex(), name)

    def test_parts(self):
        seq = 0x0102030405060708
        part = parts.Part(2, 258, parts.salt(b"\7" * 32, seq, 2, 258), b"content")
        self.same("part salt", part.salt)
        self.assertIn(part.hash().hex(), EXAMPLE)

    def test_headers(self):
        O = trail_id(ORIGIN)
        self.same("O", O)
        core = parts.notice_core(value("NoticeCore"))
        opened = header.read_header(value("header 0"))
        parts.check_group(opened.groups[0], [core])
        self.assertEqual(opened.previous, O)
        self.same("link 0", opened.link())
        second = header.read_header(value("header 1"))
        self.assertEqual(second.previous, opened.link())
        self.same("link 1", second.link())
        before, run = header.read_run(0, value("run of both"))
        self.assertEqual((before, [h.encode() for h in run]), (O, [opened.encode(), second.encode()]))

    def test_keys(self):
        O, controller, date = trail_id(ORIGIN), b"\1" * 32, b"\2" * 32
        seal, terms = keys.seal_key(controller, date, O), keys.index_key(controller, date, O)
        self.same("seal key", seal)
        self.same("index key", terms)
        self.same("dev KEK", keys.DEV_KEK)
        row = frame.read_row(21510, 1, u8(1) + u8(1) + u32(1) + value("sealed"))
        self.same("place", row.place(O))
        self.assertEqual(keys.open_sealed(seal, row.sealed, row.place(O), "it"), b"content")
        address = bytes([192, 0, 2, 1])
        self.same("action term", index.term(terms, 4, u32(2)))
        self.same("address term", index.term(terms, 3, address))
        self.same("subject term", index.term(terms, 2, value("pseudonym")))
        self.same("stand-in term", index.term(terms, 7, value("pseudonym")))

    def test_vault(self):
        who = vault.identity("school-12", "pupil", "p-204")
        self.same("identity", who)
        self.same("pseudonym", vault.pseudonym(b"\3" * 32, who))
        self.assertEqual(vault.bucket(b"\4" * 32, who), 1987)
        self.same("row hash", vault.row_hash(b"\5" * 32, who, 1))
        self.same("vault key", keys.vault_key(b"\5" * 32, b"\1" * 32))

    def test_program_of_the_page(self):
        program = PAGE.partition("```python\n")[2].partition("```")[0]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(program, {})
        known = "".join(EXAMPLE.split())
        for line in out.getvalue().split():
            self.assertIn(line, known)


class Rules(unittest.TestCase):
    """What the page says in words."""

    def test_dates(self):
        day = datetime.date
        for found, due in (
            (dates.plus_months(day(2024, 2, 29), 24), day(2026, 2, 28)),
            (dates.plus_months(day(2026, 8, 31), 6), day(2027, 2, 28)),
            (dates.plus_months(day(2026, 12, 31), 72), day(2032, 12, 31)),
            (dates.plus_days(day(2026, 12, 28), 7), day(2027, 1, 4)),
            (dates.plus_years_after(day(2026, 8, 31), 5, 8), day(2031, 9, 1)),
            (dates.plus_years_after(day(2026, 9, 1), 5, 8), day(2032, 9, 1)),
            (dates.plus_years_after(day(2026, 12, 31), 5, 12), day(2032, 1, 1)),
        ):
            self.assertEqual(found, due)
        evening = 1795649950 * dates.SECOND  # 2026-11-25T23:39:10Z
        for zone, due in (("Europe/Warsaw", "2026-11-26"), ("America/Los_Angeles", "2026-11-25")):
            self.assertEqual(dates.shown(dates.local_day(evening, dates.zone(zone))), due)

    def test_email_shaped(self):
        for id_, due in (("a@b.c", True), ("a@@b.c", True), ("@b.c", False), ("a@b", False), ("a.b@c", False), ("p-204", False)):
            self.assertEqual(vault.email_shaped(id_), due, id_)

    def test_proofs(self):
        """Every proof of every small tree, made by the recursion of RFC 6962, holds; with anything changed it does not."""
        leaves = [tree.leaf(bytes([n])) for n in range(40)]
        for size in range(1, len(leaves) + 1):
            root = tree.root(leaves[:size])
            self.assertEqual(root, _root(leaves[:size]))
            for n in range(size):
                proof = _path(n, leaves[:size])
                tree.check_inclusion(leaves[n], n, size, proof, root)
                with self.assertRaises(Bad):
                    tree.check_inclusion(leaves[n], n, size, proof + [root], root)
                old, proof = _root(leaves[: n + 1]), _subproof(n + 1, leaves[:size], True)
                tree.check_consistency(n + 1, old, size, root, proof)
                with self.assertRaises(Bad):
                    tree.check_consistency(n + 1, old[::-1], size, root, proof)

    def test_whatever_bytes(self):
        """Readers say Bad or Refused of bytes that make no sense, and nothing else."""
        chance, seeds = random.Random(1), [value("header 0"), value("run of both"), guard.TITLE, b"aktakeys\1\1", b"{}", b"\x0a\x02ab"]
        readers = [
            header.read_header,
            lambda data: header.read_run(0, data),
            lambda data: frame.open_row(frame.read_row(1, 0, data), bytes(32), bytes(32)),
            frame._decompress,
            lambda data: keyring.read_keyring(data, bytes(32), True, []),
            lambda data: index.read_posting(0, data),
            lambda data: meta.read_meta([(data, data), (b"format", u32(0)), (b"trail/a", data)], Findings()),
            vault.split_row,
            guard.read_guard,
            note.read_outside,
            lambda data: note.read_key(data.decode("latin-1")),
            lambda data: split_origin(data.decode("latin-1")),
            lambda data: dates.zone(data.decode("latin-1")),
            lambda data: export.ExportCheck(Findings(), []).line(jsonl.read_line(data)),
            *(lambda data, name=name: messages.parse(name, data) for name in (*parts.MESSAGES, "Frame", "Keyring", "Removal")),
            *(lambda data, part=part: event.read([parts.Part(part, 0, bytes(32), data)]) for part in range(6)),
        ]
        for _ in range(400):
            data = bytearray(chance.choice(seeds) + chance.randbytes(chance.randrange(60)))
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            for reader in readers:
                with contextlib.suppress(Bad, Refused):
                    reader(bytes(data))


class Removals(unittest.TestCase):
    """What the page says of people who are masked, restricted or erased."""

    def slices(self, *said):
        return list(enumerate(_message("DetailPart", attributes=[{"key": key, "value": value} for key, value in slice_]) for slice_ in said))

    def test_lists(self):
        who, people, first = [("by", "anna"), ("ground", "letter")], [("access", "ab" * 32)], "0" * 17 + "107"
        good = removed.read_slices("identity_erased", self.slices(who, people, [(first, "0n 3sd 1nsd")]))
        self.assertEqual(good, ([bytes.fromhex("ab" * 32)], [(107, {3}), (110, {4, 5}), (111, {3, 4, 5})]))
        self.assertEqual(removed.read_slices("restriction_lifted", self.slices(who)), ([], []))
        for kind, *said in (
            ("identity_erased", who, people, [(first, "1n")]),
            ("identity_erased", who, people, [(first, "0n 0n")]),
            ("identity_erased", who, people, [(first, "0dn")]),
            ("identity_erased", who, people, [(first, "0")]),
            ("identity_erased", who, people, [(first, "0n 03n")]),
            ("identity_erased", who, people, [("107", "0n")]),
            ("identity_erased", who, people, []),
            ("identity_erased", who),
            ("identity_deactivated", who, []),
            ("identity_deactivated", who, [("access", "AB" * 32)]),
            ("identity_restricted", who, people, people),
            ("restriction_lifted", who, people),
            ("identity_masked", who, people),
        ):
            with self.assertRaises(Bad, msg=(kind, said)):
                removed.read_slices(kind, self.slices(*said))

    def test_notices_follow_each_other(self):
        at = 1795649950 * dates.SECOND
        today = dates.local_day(at, dates.zone("Europe/Warsaw"))
        id_ = bytes(16)
        asked = {id_: acts.Request(at, "anna", False, removed.ERASURE, [], used=True)}
        deactivated = lambda days: ("identity_deactivated", {"id": id_, "mask_on": today + days})
        masked, restricted, lifted = (("identity_masked", {"id": id_}), ("identity_restricted", {"id": id_}), ("restriction_lifted", {"id": id_}))
        erased = lambda *classes: ("identity_erased", {"id": id_, "ground": 3, "classes": [_class(*class_) for class_ in classes]})
        for before, after, good in (
            ([], deactivated(90), True),
            ([], deactivated(91), False),
            ([deactivated(30)], deactivated(29), True),
            ([deactivated(30)], deactivated(30), False),
            ([deactivated(0)], masked, True),
            ([deactivated(1)], masked, False),
            ([deactivated(0), masked], masked, False),
            ([deactivated(0), masked], deactivated(0), False),
            ([restricted], lifted, True),
            ([restricted], restricted, False),
            ([restricted, lifted], lifted, False),
            ([], lifted, False),
            ([], erased((3, 5, 0, 0, 0)), True),
            ([], erased((4, 5, 0, 0, 2)), True),
            ([], erased((4, 5, 0, 0, 0)), False),
            ([], erased((4, 5, 1, 1, 2)), False),
            ([], erased((9, 5, 0, 0, 0)), False),
            ([], erased((3, 5, 0, 0, 0), (2, 1, 0, 0, 0)), False),
            ([erased((3, 5, 0, 0, 0))], erased((3, 0, 0, 0, 0)), True),
            ([erased((3, 5, 0, 0, 0))], erased((3, 5, 0, 0, 0)), False),
            ([erased(), restricted], erased(), False),
        ):
            people = removed.People(dates.zone("Europe/Warsaw"))
            for ordinal, (kind, fields) in enumerate([*before, after]):
                months = 84 if kind == "identity_masked" else 24
                group = header.Group(dates.number(dates.plus_months(dates.date(today), months)), 32, bytes(32))
                core = _message("NoticeCore", ordinal=ordinal, recorded_at=at, **{kind: fields})
                check = lambda: people.check(_Header([None, group]), core, kind, None, asked, [])
                if ordinal == len(before) and not good:
                    with self.assertRaises(Bad, msg=(before, after)):
                        check()
                else:
                    check()

    def test_what_is_gone_is_listed(self):
        people = removed.People(dates.zone("UTC"))
        people.gone[7] = {3: 20}
        people.nobody[b"erased"] = 20
        people.masked.add(b"masked")
        for given, found in (
            (({7: {3}}, {}, [(7, b"erased")], [(8, b"masked")]), []),
            (({7: {3, 4}}, {}, [], []), [7]),
            (({8: {3}}, {}, [], []), [8]),
            (({}, {7: {3, 5}}, [], []), [7]),
            (({}, {7: {5}}, [], []), []),
            (({}, {}, [(21, b"erased")], []), [21]),
            (({}, {}, [(7, b"somebody")], [(9, b"else")]), [7, 9]),
        ):
            seqs = []
            people.check_gone(*given, lambda what, seq: seqs.append(seq))
            self.assertEqual(seqs, found, given)

    def test_frames_without_seed(self):
        gone, stays = dict(offset=0, part=3, erased_hash=b"h" * 32), dict(offset=0, part=4, salt=b"s" * 32, content=b"c")
        read = lambda seed, *given: [frame._read_part(_message("FramePart", **part), seed, 9) for part in given]
        bare, part = read(b"", gone, stays)
        self.assertEqual((bare.hash(), bare.key(), part.salt), (b"h" * 32, (3, 0), b"s" * 32))
        for seed, given in (
            (b"e" * 32, gone),
            (b"", gone | {"content": b"c"}),
            (b"", gone | {"salt": b"s" * 32}),
            (b"", gone | {"part": 1}),
            (b"", gone | {"erased_hash": b"h"}),
            (b"e" * 32, stays),
            (b"", dict(offset=0, part=4, content=b"c")),
        ):
            with self.assertRaises(Bad, msg=given):
                read(seed, given)


class _Header:
    seq, kind = 20, 1

    def __init__(self, groups):
        self.groups = groups


def _message(name, **fields):
    return messages._class(name)(**fields)


def _class(number, records, stripped, count, kept):
    return {"retention_class": number, "records": records, "stripped": stripped, "parts": count, "kept": kept}


def _split(leaves):
    return 1 << (len(leaves) - 1).bit_length() - 1


def _root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = _split(leaves)
    return tree.node(_root(leaves[:k]), _root(leaves[k:]))


def _path(n, leaves):
    if len(leaves) == 1:
        return []
    k = _split(leaves)
    return _path(n, leaves[:k]) + [_root(leaves[k:])] if n < k else _path(n - k, leaves[k:]) + [_root(leaves[:k])]


def _subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [_root(leaves)]
    k = _split(leaves)
    if m <= k:
        return _subproof(m, leaves[:k], whole) + [_root(leaves[k:])]
    return _subproof(m - k, leaves[k:], False) + [_root(leaves[:k])]


if __name__ == "__main__":
    unittest.main()
