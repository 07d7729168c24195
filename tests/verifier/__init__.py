"""An independent verifier of what Akta writes.

Written from docs/format.md alone, by somebody who has not read Akta's sources: if this program and `akta verify` agree on
a folder, then the page says what the bytes are. It shares with Akta the page, the protobuf messages that the page names
and the zstd dictionary that the page names; no code. Cryptography, zstd, RocksDB and time zones are those of Python's packages.

    PYTHONPATH=tests python -m verifier folder DIR --dev
    PYTHONPATH=tests python -m verifier export FILE

Modules, one noun each: `header` `parts` `frame` `keys` `keyring` `tree` `note` `guard` `vault` `index` `meta` `notices` `dates`
`policy` know one section of the page each; `trail` and `folder` walk a data folder, `export` walks an export.
"""
