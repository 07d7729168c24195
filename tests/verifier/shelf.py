"""Section "Frames": the rows of one trail by date, opened when a record asks for them."""

from bisect import bisect_right
from collections import defaultdict

from . import dates, frame, keys
from .findings import Bad


class Shelf:
    """All frames of a trail. A part may be taken once; what nobody takes is left over."""

    def __init__(self, trail, rows, ring, headers, whole, told, reclaimed, findings):
        self._trail, self._ring, self._told = trail, ring, told
        size = len(headers) if whole else 1 << 64
        self._rows, self._opened = defaultdict(list), {}
        for (date, zone, first), value in rows:
            try:
                row = frame.read_row(date, first, value)
                before = self._rows[date]
                if zone != trail.zone_number:
                    raise Bad("frame: in another zone than its trail")
                if date <= reclaimed:
                    raise Bad(f"frame: of {dates.shown(date)}, which is expired and was reclaimed")
                if before and before[-1].first + before[-1].count > first:
                    raise Bad("frame: its span overlaps that of the one before")
                if first + row.count > size:
                    raise Bad("frame: its span goes beyond the trail")
                before.append(row)
                if whole and not all(date in {g.date for g in headers[seq].groups} for seq in (first, first + row.count - 1)):
                    raise Bad("frame: the first or last record that it spans has no parts of its date")
            except Bad as bad:
                findings.add(bad, trail.origin, first if first < size else None)

    def index_key(self, date):
        """The key of this trail's terms of a date."""
        return keys.index_key(*self._keys(date), self._trail.id)

    def _keys(self, date):
        return self._ring.controller(self._trail.slot), self._ring.date(self._trail.zone_number, date)

    def _open(self, row):
        place = row.date, row.first
        if place not in self._opened:
            try:
                key = keys.seal_key(*self._keys(row.date), self._trail.id)
                self._opened[place] = frame.open_row(row, key, self._trail.id)
            except Bad as bad:
                self._opened[place] = bad
        if isinstance(self._opened[place], Bad):
            raise self._opened[place]
        return self._opened[place]

    def find(self, date, seq):
        """The row with the parts of a record that expire on a date: the last at or before it, whose span must cover it."""
        rows = self._rows.get(date, [])
        at = bisect_right(rows, seq, key=lambda row: row.first) - 1
        if at < 0 or not rows[at].covers(seq):
            raise Bad(f"its frame of {dates.shown(date)} is not there")
        return rows[at]

    def take(self, date, seq):
        """The parts of a record that expire on a date."""
        row = self.find(date, seq)
        try:
            return self._open(row).pop(seq, [])
        except Bad as bad:
            raise Bad(f"frame of {dates.shown(date)}: {bad}") from None

    def left_over(self, findings):
        """Frames hold nothing but what headers name."""
        for date, rows in self._rows.items():
            if date <= self._told:
                continue
            for row in rows:
                fresh = (row.date, row.first) not in self._opened
                try:
                    seqs = self._open(row)
                except Bad as bad:
                    if fresh:
                        findings.add(f"frame of {dates.shown(date)}: {bad}", self._trail.origin, row.first)
                    continue
                for seq in seqs:
                    findings.add(f"frame of {dates.shown(date)}: parts that no header names", self._trail.origin, seq)
