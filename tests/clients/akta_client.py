"""A client of Akta that shares no code with it: records events, finds them again, checks every answer.

    python akta_client.py ADDRESS PROTO_DIR

ADDRESS is that of a running node, for example 127.0.0.1:7425; PROTO_DIR holds the published protos. The stubs are
generated from them at each run. Every run uses a controller and people of its own, so a node can be used twice.
Prints a line per check and exits 0; on the first failure prints what was expected and what came, and exits 1.
akta_client.js tells the same story in another language.
"""

import sys
import tempfile
import uuid

import grpc

import proof
from support import CALL_SECONDS, PAGE_SIZE, REFERENCE, Client, Failed
from support import expect, expect_receipt, expect_that, generate_stubs, refused

EVENTS = 300
INVALID_EVERY = 50
WINDOW = 32
BATCH = 20


def bad_fields(error):
    """Path and words of each bad field that a refused call names in its details."""
    import status_pb2

    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    expect_that("the refusal has details", details, error)
    status, bad = status_pb2.Status.FromString(details), status_pb2.BadRequest()
    expect("code in the details", error.code().value[0], status.code)
    expect("message in the details", error.details(), status.message)
    expect_that("one of them is a BadRequest", any(detail.Unpack(bad) for detail in status.details), status)
    return [(violation.field, violation.description) for violation in bad.field_violations]


def record_one(client):
    event = client.minimal_event(client.pupils[0], client.teachers[0])
    response = client.record(event)
    expect_receipt(response.receipt)
    expect("controller in the origin", client.controller, response.receipt.origin.split("/")[1])
    expect("warnings", [], list(response.warnings))
    client.recorded.append((event, response.receipt))


def record_batch(client):
    events = [client.varied_event(EVENTS + index) for index in range(BATCH)]
    spoiled = [client.varied_event(index) for index in range(4)]
    spoiled[3].ClearField("outcome")
    error = refused(lambda: client.record_all(spoiled))
    expect("status of a batch with one bad event", grpc.StatusCode.INVALID_ARGUMENT, error.code())
    expect("fields it names", ["events[3].outcome"], [field for field, _ in bad_fields(error)])
    missing = refused(lambda: client.get(event_id=spoiled[0].event_id))
    expect("status for a good event of a refused batch", grpc.StatusCode.NOT_FOUND, missing.code())
    results = client.record_all(events).results
    expect("results", BATCH, len(results))
    for event, result in zip(events, results):
        expect_receipt(result.receipt)
        client.recorded.append((event, result.receipt))


def stream_many(client):
    events = [client.varied_event(index) for index in range(EVENTS)]
    invalid = set(range(INVALID_EVERY - 1, EVENTS, INVALID_EVERY))
    for index in invalid:
        events[index].ClearField("action")
    answers = client.stream(events, WINDOW)

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


def repeat(client):
    # Of the lone one, of the batch, of the stream.
    for event, receipt in [client.recorded[0], client.recorded[BATCH], client.recorded[-1]]:
        expect("the same event again", receipt, client.record(event).receipt)
        other = type(event)()
        other.CopyFrom(event)
        other.action = client.words.ACTION_PRINT
        error = refused(lambda: client.record(other))
        expect("another event under the same id", grpc.StatusCode.ALREADY_EXISTS, error.code())
        again, another = client.stream([event, other], 2)
        expect("the same event again, on a stream", receipt, again.receipt)
        code = grpc.StatusCode.ALREADY_EXISTS.value[0]
        expect("another event under the same id, on a stream", code, another.refusal.code)


def refuse_bad_fields(client):
    event = client.minimal_event(("pupil", "Ada Lovelace " * 10), client.teachers[0])
    event.event_id = "number 7"
    event.ClearField("action")
    error = refused(lambda: client.record(event))
    expect("status", grpc.StatusCode.INVALID_ARGUMENT, error.code())
    fields = bad_fields(error)
    expect("fields it names", ["action", "event_id", "subjects[0].identity.id"], sorted(field for field, _ in fields))
    for field, description in fields:
        expect_that(f"words about {field}", description, fields)
    told = f"{error.details()} {fields}"
    expect("values it echoes", [], [value for value in ["Ada", "number 7"] if value in told])


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
    expect("fields it names", ["purpose"], [field for field, _ in bad_fields(error)])


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


def prove(client):
    receipts = [receipt for _, receipt in client.recorded]
    size = max(receipt.seq for receipt in receipts) + 1
    request = client.evidence.GetCheckpointRequest(controller=client.controller, at_least=size)
    answer = client.evidence_service.GetCheckpoint(request, timeout=CALL_SECONDS)
    origin, signed_size, root = proof.opened(answer.checkpoint, answer.verification_key)
    expect("origin of the checkpoint", receipts[0].origin, origin)
    expect("its size and root, signed and beside", (answer.size, answer.root), (signed_size, root))
    expect_that(f"it covers {size} records", signed_size >= size, signed_size)
    try:
        proof.opened(answer.checkpoint.replace(f"\n{signed_size}\n", f"\n{signed_size + 1}\n"), answer.verification_key)
    except ValueError:
        pass
    else:
        raise Failed("\n  expected: a changed checkpoint does not verify\n  came:     it does")
    for receipt in [receipts[0], receipts[-1]]:
        request = client.evidence.GetInclusionProofRequest(
            controller=client.controller, seq=receipt.seq, size=signed_size
        )
        answer = client.evidence_service.GetInclusionProof(request, timeout=CALL_SECONDS)
        found = proof.root_of_inclusion(answer.header, receipt.seq, signed_size, answer.hashes)
        expect(f"root to which the proof of record {receipt.seq} leads", root, found)


CHECKS = [
    ("record one event", record_one),
    (f"record a batch of {BATCH}, all or none", record_batch),
    (f"stream {EVENTS} events, {WINDOW} ahead, every {INVALID_EVERY}th invalid", stream_many),
    ("the same event again gets the first receipt, another under its id is refused", repeat),
    ("a bad event is refused with each bad field", refuse_bad_fields),
    (f"search by subject, actor, address, action and time, {PAGE_SIZE} rows a page", search_pages),
    ("get one event by position and by id", get_one),
    ("a search without purpose is refused", refuse_without_purpose),
    ("searches are events, without what was searched for", searches_are_events),
    ("what is not there is refused", refuse_what_is_not_there),
    ("a signed checkpoint covers what was recorded", prove),
]


def report(name, why):
    print(f"FAILED  {name}: {why}")
    return 1


def run(address, proto_dir):
    """Runs the checks one after the other; the exit code."""
    name = "read the protos and connect"
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
