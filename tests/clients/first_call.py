"""Records one event and prints its receipt. From the folder that holds proto/:

mkdir -p stubs && pip install grpcio-tools && python -m grpc_tools.protoc -I proto --python_out=stubs \
    --grpc_python_out=stubs akta/v1/event.proto akta/v1/ingest.proto akta/record/v1/vocabulary.proto
PYTHONPATH=stubs python tests/clients/first_call.py
"""
import uuid
import grpc
from akta.record.v1 import vocabulary_pb2 as words
from akta.v1 import event_pb2 as akta, ingest_pb2, ingest_pb2_grpc

event = akta.Event(
    event_id=str(uuid.uuid4()), controller="school-12", action=words.ACTION_READ, outcome=words.OUTCOME_SUCCESS,
    actor=akta.Actor(identity=akta.Identity(namespace="staff", id="t-204"), kind=words.ACTOR_KIND_HUMAN),
    subjects=[akta.Subject(identity=akta.Identity(namespace="pupil", id="p-5501"))],
    categories=[words.DATA_CATEGORY_EDUCATION_RECORD], purpose=words.PURPOSE_TEACHING,
)
with grpc.insecure_channel("127.0.0.1:7425") as channel:
    service = ingest_pb2_grpc.IngestServiceStub(channel)
    receipt = service.RecordEvent(ingest_pb2.RecordEventRequest(event=event), timeout=5).receipt
    print(f"{receipt.origin} {receipt.seq} {receipt.link.hex()}")
