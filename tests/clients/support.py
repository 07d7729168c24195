"""What the checks of akta_client.py stand on: comparing, stubs made from the protos, and a client with its people."""

import datetime
import ipaddress
import pathlib
import sys
import threading
import time
import uuid

import grpc
import grpc_tools
from grpc_tools import protoc

PAGE_SIZE = 7
CALL_SECONDS = 20
STREAM_SECONDS = 120
REFERENCE = "DSR-2026-17"


class Failed(Exception):
    """A check did not hold."""


def expect(what, expected, got):
    if expected == got:
        return
    if isinstance(expected, list) and isinstance(got, list):
        # A long list says less than the place where it goes wrong.
        index = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
        what = f"{what}: {len(expected)} expected, {len(got)} came, different from number {index} on"
        expected, got = expected[index : index + 3], got[index : index + 3]
    raise Failed(f"{what}\n  expected: {expected!r}\n  came:     {got!r}")


def expect_that(what, holds, got):
    if not holds:
        raise Failed(f"\n  expected: {what}\n  came:     {got!r}")


def generate_stubs(proto_dir, folder):
    """Compiles every published proto, and that of the details of refusals, into folder and makes them importable."""
    here, own = pathlib.Path(__file__).parent, pathlib.Path(grpc_tools.__file__).parent / "_proto"
    protos = sorted(str(path) for path in pathlib.Path(proto_dir).rglob("*.proto"))
    expect_that(f"protos in {proto_dir}", protos, "none")
    options = [f"-I{proto_dir}", f"-I{here}", f"-I{own}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    expect("exit code of protoc", 0, protoc.main(["protoc", *options, *protos, "status.proto"]))
    sys.path.insert(0, folder)


class Client:
    """What the checks share: the stubs, the people of this run, and the events that were recorded."""

    def __init__(self, channel):
        from akta.record.v1 import vocabulary_pb2
        from akta.v1 import event_pb2, evidence_pb2, evidence_pb2_grpc, history_pb2, history_pb2_grpc
        from akta.v1 import ingest_pb2, ingest_pb2_grpc

        self.words, self.event, self.history, self.ingest = vocabulary_pb2, event_pb2, history_pb2, ingest_pb2
        self.evidence = evidence_pb2
        self.ingest_service = ingest_pb2_grpc.IngestServiceStub(channel)
        self.history_service = history_pb2_grpc.HistoryServiceStub(channel)
        self.evidence_service = evidence_pb2_grpc.EvidenceServiceStub(channel)
        self.controller = f"school-{uuid.uuid4().hex[:8]}"
        self.pupils = [("pupil", f"p-{uuid.uuid4()}") for _ in range(5)]
        self.teachers = [("staff", f"t-{uuid.uuid4()}") for _ in range(3)]
        self.addresses = ["192.0.2.17", "198.51.100.4", "2001:db8::17", "2001:db8:0:1::4"]
        names = ["READ", "LIST", "SEARCH", "UPDATE", "CREATE", "RECTIFY", "DELETE"]
        self.actions = [self.words.Action.Value(f"ACTION_{name}") for name in names]
        self.start = int(time.time()) - 3600
        self.recorded = []  # (event, receipt) in the order of the trail
        self.searches = 0  # calls of SearchEvents that were answered

    def identity(self, who):
        return self.event.Identity(namespace=who[0], id=who[1])

    def minimal_event(self, pupil, teacher):
        """A teacher opened a pupil's card."""
        return self.event.Event(
            event_id=str(uuid.uuid4()),
            controller=self.controller,
            action=self.words.ACTION_READ,
            outcome=self.words.OUTCOME_SUCCESS,
            actor=self.event.Actor(identity=self.identity(teacher), kind=self.words.ACTOR_KIND_HUMAN),
            subjects=[self.event.Subject(identity=self.identity(pupil))],
            categories=[self.words.DATA_CATEGORY_EDUCATION_RECORD],
            purpose=self.words.PURPOSE_TEACHING,
        )

    def varied_event(self, index):
        """The event of that number: people, address, action and time repeat with different periods."""
        event = self.minimal_event(self.pupils[index % 5], self.teachers[index % 3])
        if index % 10 == 0:
            event.subjects.add(identity=self.identity(self.pupils[(index + 1) % 5]))
        event.action = self.actions[index % 7]
        event.occurred_at.seconds = self.start + index
        event.network.ip = self.addresses[index % 4]
        event.network.user_agent = b"client/1 \xff"
        event.resource.type = "pupil-card"
        event.resource.id = f"card-{index}"
        event.source.service = "register"
        return event

    def record(self, event):
        return self.ingest_service.RecordEvent(self.ingest.RecordEventRequest(event=event), timeout=CALL_SECONDS)

    def record_all(self, events):
        request = self.ingest.RecordEventsRequest(events=events)
        return self.ingest_service.RecordEvents(request, timeout=CALL_SECONDS)

    def stream(self, events, window):
        """The answers to events on a stream, of which at most so many are under way."""
        room = threading.Semaphore(window)

        def requests():
            for event in events:
                # Without an answer for so long, the stream ends and the answers are too few.
                if not room.acquire(timeout=CALL_SECONDS):
                    return
                yield self.ingest.StreamEventsRequest(event=event)

        answers = []
        for answer in self.ingest_service.StreamEvents(requests(), timeout=STREAM_SECONDS):
            answers.append(answer)
            room.release()
        return answers

    def search_page(self, **fields):
        fields = {"controller": self.controller, "purpose": self.words.PURPOSE_SUBJECT_RIGHTS} | fields
        request = self.history.SearchEventsRequest(purpose_text=REFERENCE, **fields)
        response = self.history_service.SearchEvents(request, timeout=CALL_SECONDS)
        self.searches += 1
        return response

    def search(self, event_filter, order, page_size=PAGE_SIZE):
        """All rows of a search, page by page."""
        rows, token, sizes = [], "", set()
        for _ in range(1000):
            page = self.search_page(filter=event_filter, order=order, page_size=page_size, page_token=token)
            expect_that(f"at most {page_size} rows on a page", len(page.events) <= page_size, len(page.events))
            rows.extend(page.events)
            sizes.add(page.size)
            token = page.next_page_token
            if not token:
                expect("number of sizes that the pages of one search named", 1, len(sizes))
                positions = [row.receipt.seq for row in rows]
                expect_that("rows lie within the size", max(positions, default=0) < page.size, (positions, page.size))
                return rows
        raise Failed("\n  expected: the last page within 1000\n  came:     a next_page_token on each")

    def get(self, **key):
        fields = {"controller": self.controller, "purpose": self.words.PURPOSE_SUBJECT_RIGHTS} | key
        request = self.history.GetEventRequest(purpose_text=REFERENCE, **fields)
        return self.history_service.GetEvent(request, timeout=CALL_SECONDS).event

    def expect_row(self, row, event, receipt):
        """The row shows the event as it was sent, under the receipt that was given for it."""
        expect("receipt of a found event", receipt, row.receipt)
        sent, found = self.telling(event), self.telling(row.event)
        if not event.HasField("occurred_at"):
            expect_that("occurred_at is filled in", row.event.HasField("occurred_at"), row.event)
            del sent["occurred_at"], found["occurred_at"]
        expect("what a found event holds", sent, found)
        expect("its class", self.words.RETENTION_CLASS_ACCESS, row.retention_class)
        for identity in [row.event.actor.identity, *(subject.identity for subject in row.event.subjects)]:
            expect("bytes of a pseudonym", 32, len(identity.pseudonym))
        expect_that("parts of a found event", row.parts, row)
        for part in row.parts:
            expect("verdict of a part", self.history.VERDICT_INTACT, part.verdict)
            datetime.date.fromisoformat(part.expires_on)

    @staticmethod
    def telling(event):
        """What of an event must come back as it was sent. What may be completed or ordered anew is left out."""
        return {
            "event_id": event.event_id,
            "controller": event.controller,
            "occurred_at": str(event.occurred_at),
            "action": event.action,
            "outcome": event.outcome,
            "actor": (event.actor.kind, event.actor.identity.namespace, event.actor.identity.id),
            "subjects": sorted((subject.identity.namespace, subject.identity.id) for subject in event.subjects),
            "categories": list(event.categories),
            "purpose": event.purpose,
            "ip": ipaddress.ip_address(event.network.ip) if event.network.ip else None,
            "user_agent": event.network.user_agent,
            "resource": (event.resource.type, event.resource.id),
            "service": event.source.service,
        }


def expect_receipt(receipt):
    expect("parts of the origin", 3, len(receipt.origin.split("/")))
    expect("bytes of the link", 32, len(receipt.link))
    expect_that("seq is at least 1", receipt.seq >= 1, receipt.seq)
    age = time.time() - receipt.recorded_at.seconds
    expect_that("recorded_at is within a minute of now", abs(age) < 60, str(receipt.recorded_at))


def refused(call):
    """The error of a call that must not succeed."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise Failed(f"\n  expected: the call is refused\n  came:     {answer!r}")
