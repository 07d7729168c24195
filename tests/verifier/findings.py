"""What a verifier says: findings (something is not as the page has it) and refusals (it could not even look)."""

from dataclasses import dataclass, field

MOST = 100  # findings kept per list; the rest are counted, so that a ruined folder cannot fill the memory


class Bad(Exception):
    """Bytes that are not as docs/format.md has them; becomes a finding."""


class Refused(Exception):
    """The folder cannot be verified at all, for example under this key."""


@dataclass
class Findings:
    """A list of findings, bounded."""

    items: list = field(default_factory=list)
    more: int = 0

    def add(self, what, origin=None, seq=None):
        """Notes a finding of a trail (or, without origin, of the folder), at a record if one can be named."""
        if len(self.items) < MOST:
            self.items.append({"origin": origin, "seq": seq, "what": str(what)})
        else:
            self.more += 1

    def all(self):
        """The findings, with the number of those that were not kept."""
        rest = {"origin": None, "seq": None, "what": f"{self.more} further findings"}
        return self.items + ([rest] if self.more else [])


def finish(result, refused):
    """The object that is printed: verdict and findings filled in."""
    findings = result["findings"]
    result["verdict"] = "refused" if refused else "bad" if findings.items else "good"
    result["findings"] = findings.all()
    return result
