"""A client of Akta that shares no code with it: records events, finds them again, checks every answer.

    python akta_client.py ADDRESS PROTO_DIR

ADDRESS is that of a running node, for example 127.0.0.1:7425; PROTO_DIR holds the published protos. The stubs are
generated from them at each run. Every run uses a controller and people of its own, so a node can be used twice.
Prints a line per check and exits 0; on the first failure prints what was expected and what came, and exits 1.
"""

import datetime
import ipaddress
import pathlib
import sys
import tempfile
import time
import uuid

import grpc
import grpc_tools
from grpc_tools import protoc

EVENTS = 300
INVALID_EVERY = 50
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
    """Compiles every published proto into folder and makes it importable."""
    own = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    protos = sorted(str(path) for path in pathlib.Path(proto_dir).rglob("*.proto"))
    expect_that(f"protos in {proto_dir}", protos, "none")
    options = [f"-I{proto_dir}", f"-I{own}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    expect("exit code of protoc", 0, protoc.main(["protoc", *options, *protos]))
    sys.path.insert(0, folder)


class Client:
    """What the checks share: the stubs, the people of this run, and the events that were recorded."""

    def __init__(self, channel):
        from akta.record.v1 import vocabulary_pb2
        from akta.v1 import event_pb2, history_pb2, history_pb2_grpc, ingest_pb2, ingest_pb2_grpc

        self.words, self.event, self.history, self.ingest = vocabulary_pb2, event_pb2, history_pb2, ingest_pb2
        self.ingest_service = ingest_pb2_grpc.IngestServiceStub(channel)
        self.history_service = history_pb2_grpc.HistoryServiceStub(channel)
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


def record_one(client):
    event = client.minimal_event(client.pupils[0], client.teachers[0])
    request = client.ingest.RecordEventRequest(event=event)
    response = client.ingest_service.RecordEvent(request, timeout=CALL_SECONDS)
    expect_receipt(response.receipt)
    expect("controller in the origin", client.controller, response.receipt.origin.split("/")[1])
    expect("warnings", [], list(response.warnings))
    client.recorded.append((event, response.receipt))


def stream_many(client):
    events = [client.varied_event(index) for index in range(EVENTS)]
    invalid = set(range(INVALID_EVERY - 1, EVENTS, INVALID_EVERY))
    for index in invalid:
        events[index].ClearField("action")
    requests = (client.ingest.StreamEventsRequest(event=event) for event in events)
    answers = list(client.ingest_service.StreamEvents(requests, timeout=STREAM_SECONDS))

    expect("ids of the answers, in order", [e.event_id for e in events], [a.event_id for a in answers])
    outcomes = [answer.WhichOneof("outcome") for answer in answers]
    expect_that("each answer has an outcome", None not in outcomes, outcomes)
    expect("numbers of the refused events", sorted(invalid), [i for i, o in enumerate(outcomes) if o == "refusal"])
    for event, answer in zip(events, answers):
        if answer.HasField("refusal"):
            expect("code of a refusal", grpc.StatusCode.INVALID_ARGUMENT.value[0], answer.refusal.code)
            expect("fields it names", ["action"], [violation.field for violation in answer.refusal.violations])
            expect_that("it says why", answer.refusal.message and answer.refusal.violations[0].description, answer)
        else:
            expect_receipt(answer.receipt)
            client.recorded.append((event, answer.receipt))
    positions = [receipt.seq for _, receipt in client.recorded]
    expect("seqs, strictly ascending", sorted(set(positions)), positions)
    expect("origins", 1, len({receipt.origin for _, receipt in client.recorded}))


def filters(client):
    """Name, filter, and what an event must be like to be found by it."""
    event_filter = client.history.EventFilter
    pupil, teacher, actions, start = client.pupils[1], client.teachers[2], client.actions, client.start

    def of_pupil(event):
        return pupil in [(subject.identity.namespace, subject.identity.id) for subject in event.subjects]

    def of_teacher(event):
        return (event.actor.identity.namespace, event.actor.identity.id) == teacher

    def since(first, event):
        return event.occurred_at.seconds >= first

    between = event_filter()
    between.since.seconds, between.until.seconds = start + 100, start + 160
    together = event_filter(subject=client.identity(pupil), actor=client.identity(teacher), actions=actions[:4])
    together.since.seconds = start + 50
    return [
        ("subject", event_filter(subject=client.identity(pupil)), of_pupil),
        ("actor", event_filter(actor=client.identity(teacher)), of_teacher),
        ("IPv4 address", event_filter(ip="192.0.2.17"), lambda e: e.network.ip == "192.0.2.17"),
        ("IPv6 address", event_filter(ip="2001:DB8:0:0::17"), lambda e: e.network.ip == "2001:db8::17"),
        ("action", event_filter(actions=[actions[3]]), lambda e: e.action == actions[3]),
        ("two actions", event_filter(actions=actions[5:7]), lambda e: e.action in actions[5:7]),
        ("time", between, lambda e: since(start + 100, e) and not since(start + 160, e)),
        ("all together", together,
         lambda e: of_pupil(e) and of_teacher(e) and e.action in actions[:4] and since(start + 50, e)),
        ("an unknown subject", event_filter(subject=client.identity(("pupil", "p-nobody"))), lambda e: False),
        ("a pupil as the actor", event_filter(actor=client.identity(pupil)), lambda e: False),
    ]


def search_pages(client):
    history = client.history
    for name, event_filter, matches in filters(client):
        wanted = [(event, receipt) for event, receipt in client.recorded if matches(event)]
        oldest = client.search(event_filter, history.SEARCH_ORDER_OLDEST_FIRST)
        newest = client.search(event_filter, history.SEARCH_ORDER_NEWEST_FIRST)
        try:
            ids = [event.event_id for event, _ in wanted]
            expect("ids, oldest first", ids, [row.event.event_id for row in oldest])
            expect("ids, newest first", ids[::-1], [row.event.event_id for row in newest])
            for row, (event, receipt) in zip(oldest, wanted):
                client.expect_row(row, event, receipt)
            expect("rows newest first, turned round", oldest, newest[::-1])
        except Failed as failed:
            raise Failed(f"search by {name}: {failed}") from None
    unspecified = client.search_page(page_size=3).events
    positions = [row.receipt.seq for row in unspecified]
    expect("seqs without order and filter: newest first", sorted(positions, reverse=True), positions)
    expect("rows without order and filter", 3, len(positions))


def get_one(client):
    for event, receipt in [client.recorded[0], client.recorded[-1]]:
        by_seq = client.get(seq=receipt.seq)
        client.expect_row(by_seq, event, receipt)
        expect("the event by its id", by_seq, client.get(event_id=event.event_id))


def refuse_without_purpose(client):
    error = refused(lambda: client.search_page(purpose=client.words.PURPOSE_UNSPECIFIED))
    expect("status", grpc.StatusCode.INVALID_ARGUMENT, error.code())
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    expect_that("details in the trailing metadata hold a BadRequest", b"google.rpc.BadRequest" in details, details)
    expect_that("it names the field purpose", b"purpose" in details, details)


def searches_are_events(client):
    before = client.searches
    event_filter = client.history.EventFilter(actions=[client.words.ACTION_LOG_QUERY])
    rows = client.search(event_filter, client.history.SEARCH_ORDER_NEWEST_FIRST, page_size=1000)
    expect_that(f"an event for each of the {before} searches", len(rows) >= before, len(rows))
    people = [who[1] for who in [*client.pupils, *client.teachers, ("pupil", "p-nobody")]]
    secrets = [text.encode() for text in [*people, *client.addresses, "2001:DB8:0:0::17"]]
    for row in rows:
        expect("action", client.words.ACTION_LOG_QUERY, row.event.action)
        expect("its class", client.words.RETENTION_CLASS_LOG_ACCESS, row.retention_class)
        expect("its purpose", client.words.PURPOSE_SUBJECT_RIGHTS, row.event.purpose)
        expect("its reference", REFERENCE, row.event.purpose_text)
        held = [secret for secret in secrets if secret in row.SerializeToString()]
        expect("what was searched for, in clear in the event of the search", [], held)


def refuse_what_is_not_there(client):
    missing = refused(lambda: client.get(event_id=str(uuid.uuid4())))
    expect("status for an event_id that nobody sent", grpc.StatusCode.NOT_FOUND, missing.code())
    other = f"school-{uuid.uuid4().hex[:8]}"
    elsewhere = refused(lambda: client.search_page(controller=other))
    expect("status for a controller that does not exist", grpc.StatusCode.PERMISSION_DENIED, elsewhere.code())


CHECKS = [
    ("record one event", record_one),
    (f"stream {EVENTS} events, every {INVALID_EVERY}th invalid", stream_many),
    (f"search by subject, actor, address, action and time, {PAGE_SIZE} rows a page", search_pages),
    ("get one event by position and by id", get_one),
    ("a search without purpose is refused", refuse_without_purpose),
    ("searches are events, without what was searched for", searches_are_events),
    ("what is not there is refused", refuse_what_is_not_there),
]


def report(name, why):
    print(f"FAILED  {name}: {why}")
    return 1


def run(address, proto_dir):
    """Runs the checks one after the other; the exit code."""
    name = "generate the stubs and connect"
    # A proxy of the environment has no business between a client and the sidecar on its own machine.
    options = [("grpc.enable_http_proxy", 0)]
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(address, options) as channel:
        try:
            generate_stubs(proto_dir, folder)
            grpc.channel_ready_future(channel).result(timeout=CALL_SECONDS)
            client = Client(channel)
            print(f"ok  {name}", flush=True)
            for name, check in CHECKS:
                check(client)
                print(f"ok  {name}", flush=True)
        except (Failed, ValueError) as failed:
            return report(name, failed)
        except grpc.RpcError as error:
            return report(name, f"\n  expected: the call succeeds\n  came:     {error.code().name}: {error.details()}")
        except grpc.FutureTimeoutError:
            return report(name, f"\n  expected: a node answers at {address}\n  came:     {CALL_SECONDS} s of silence")
    print(f"{1 + len(CHECKS)} checks passed")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python akta_client.py ADDRESS PROTO_DIR")
    sys.exit(run(*sys.argv[1:]))
