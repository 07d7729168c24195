"""The protobuf messages of `akta.record.v1`, from proto/ as published (section "Conventions")."""

import functools
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from grpc_tools import protoc

from .findings import Bad

ROOT = Path(__file__).resolve().parents[2]
FILES = ("vocabulary", "parts", "keyring", "hold", "removal")
PACKAGE = "akta.record.v1"


@functools.cache
def _pool():
    pool = descriptor_pool.DescriptorPool()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "set")
        names = [f"akta/record/v1/{name}.proto" for name in FILES]
        if protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--descriptor_set_out={out}", *names]):
            raise RuntimeError("the messages in proto/ do not compile")
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(file)
    return pool


@functools.cache
def _class(name):
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


def parse(name, data):
    """A message from its bytes."""
    try:
        return _class(name).FromString(data)
    except DecodeError:
        raise Bad(f"bytes that are no {name}") from None


def _prefix(enum):
    return "".join("_" + c if c.isupper() else c.upper() for c in enum).lstrip("_") + "_"


@functools.cache
def number(enum, name):
    """Number of a word of the vocabulary, for example ("Action", "READ")."""
    return _pool().FindEnumTypeByName(f"{PACKAGE}.{enum}").values_by_name[_prefix(enum) + name].number


def word(enum, value):
    """The word of a number, without its prefix; None where there is none."""
    found = _pool().FindEnumTypeByName(f"{PACKAGE}.{enum}").values_by_number.get(value)
    return found.name.removeprefix(_prefix(enum)) if found else None
