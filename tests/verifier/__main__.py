"""Command line, with tests/ on PYTHONPATH: `python -m verifier folder DIR...`, `... export FILE...`, `... lines`."""

import argparse
import base64
import binascii
import datetime
import json
import sys

from .export import verify_export
from .findings import Bad
from .folder import verify_folder
from .note import read_key, read_outside

GOOD, FOUND, USAGE, REFUSED = 0, 1, 2, 3


def _kek(path):
    with open(path, "rb") as file:
        key = base64.b64decode(file.read().strip(), validate=True)
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def _arguments():
    parser = argparse.ArgumentParser(prog="verifier", description="Verifies what Akta writes, from docs/format.md alone.")
    commands = parser.add_subparsers(dest="command", required=True)
    folder = commands.add_parser("folder", help="a closed data folder, or several: one JSON object per line with --json")
    folder.add_argument("paths", nargs="+", metavar="DIR")
    keys = folder.add_mutually_exclusive_group()
    keys.add_argument("--kek-file", metavar="FILE", help="the key-encryption key, 32 bytes as base64")
    keys.add_argument("--dev", action="store_true", help="the public key of --dev")
    keys.add_argument("--no-keys", action="store_true", help="parts are sealed, not opened (the default)")
    folder.add_argument("--guard", metavar="DIR", help="folder of the guard, where it is not the data folder")
    export = commands.add_parser("export", help="a trail as `akta export` hands it out")
    export.add_argument("paths", nargs="+", metavar="FILE")
    commands.add_parser("lines", help="questions on stdin, answers on stdout, one JSON object a line; see _answer")
    for command in (folder, export):
        command.add_argument("--checkpoint", metavar="FILE", help="a checkpoint or .tlog-proof that you got earlier")
        command.add_argument("--vkey", metavar="KEY", help="the key that you trust: NAME+ID+KEY")
        command.add_argument("--today", type=datetime.date.fromisoformat, help="YYYY-MM-DD, instead of the clock")
        command.add_argument("--json", action="store_true", help="one JSON object per folder or file")
    arguments = parser.parse_args()
    if arguments.command == "lines":
        return arguments
    if arguments.vkey and not arguments.checkpoint and arguments.command == "folder":
        parser.error("--vkey needs --checkpoint")
    try:
        arguments.key = read_key(arguments.vkey) if arguments.vkey else None
        arguments.kek = _kek(arguments.kek_file) if getattr(arguments, "kek_file", None) else None
    except (Bad, OSError, ValueError, binascii.Error) as error:
        parser.error(str(error))
    return arguments


def _results(arguments):
    outside = None
    if arguments.checkpoint:
        with open(arguments.checkpoint, "rb") as file:
            outside = read_outside(file.read())
    for path in arguments.paths:
        if arguments.command == "folder":
            yield verify_folder(path, arguments.kek, arguments.dev, arguments.guard, arguments.today, outside, arguments.key)
        else:
            yield verify_export(path, outside, arguments.key, arguments.today)


def _show(result):
    print(f"{result.get('folder') or result.get('file')}: {result['verdict']}")
    for trail in result["trails"]:
        parts = ", ".join(f"{count} {state}" for state, count in trail["parts"].items())
        print(f"  {trail['origin']}: {trail['size']} records, {trail['notices']} of them notices; groups: {parts}")
    for finding in result["findings"]:
        where = " ".join(str(part) for part in (finding["origin"], finding["seq"]) if part is not None)
        print(f"  FOUND {where}{': ' if where else ''}{finding['what']}")
    for note in result["notes"]:
        print(f"  note: {note}")


def _answer(question):
    """`{"folder": DIR, "dev": bool, "guard": DIR}` or `{"export": FILE}`, each with `now` in nanoseconds instead of the clock."""
    now = question.get("now")
    if "export" in question:
        return verify_export(question["export"], now=now)
    return verify_folder(question["folder"], dev=question.get("dev", False), guard=question.get("guard"), now=now)


def main():
    """Exit status: 0 good, 1 a finding, 2 wrong usage, 3 could not run; of several the most telling."""
    arguments, verdicts = _arguments(), set()
    if arguments.command == "lines":
        for line in sys.stdin:
            print(json.dumps(_answer(json.loads(line))), flush=True)
        return GOOD
    try:
        for result in _results(arguments):
            print(json.dumps(result, ensure_ascii=False), flush=True) if arguments.json else _show(result)
            verdicts.add(result["verdict"])
    except (Bad, OSError) as error:
        print(f"verifier: {error}", file=sys.stderr)
        return REFUSED
    return FOUND if "bad" in verdicts else REFUSED if "refused" in verdicts else GOOD


if __name__ == "__main__":
    sys.exit(main())
