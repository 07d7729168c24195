"""A KMS for the tests: moto, behind a check of each request's signature, which moto does not look at, by AWS's own
library for Python.

    kms.py ACCESS_KEY SECRET_KEY REGION

Prints one line of JSON: its port, and two data keys, each as the KMS encrypted it and in clear (base64). Serves until
its standard input ends.
"""

import base64
import io
import json
import logging
import os
import sys
import threading

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ACCESS, SECRET, REGION = sys.argv[1:4]


def signature(environ, body, signed):
    """The signature that these headers and this body must have."""
    request = AWSRequest(environ["REQUEST_METHOD"], f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}", data=body)
    for name in signed:
        key = name.upper().replace("-", "_")
        request.headers[name] = environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"]
    request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
    auth = SigV4Auth(Credentials(ACCESS, SECRET), "kms", REGION)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def is_signed(environ, body):
    kind, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    fields = dict(field.strip().split("=", 1) for field in rest.split(",") if "=" in field)
    scope = f"{ACCESS}/{environ.get('HTTP_X_AMZ_DATE', '')[:8]}/{REGION}/kms/aws4_request"
    signed = fields.get("SignedHeaders", "").split(";")
    if kind != "AWS4-HMAC-SHA256" or fields.get("Credential") != scope or not {"host", "x-amz-date"} <= set(signed):
        return False
    return fields.get("Signature") == signature(environ, body, signed)


class Checked:
    """Lets only those requests through whose signature holds."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not is_signed(environ, body):
            answer = json.dumps({"__type": "InvalidSignatureException", "message": "no"}).encode()
            start("403 Forbidden", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(answer)))])
            return [answer]
        environ["wsgi.input"] = io.BytesIO(body)
        return self.inner(environ, start)


def main():
    logging.getLogger("werkzeug").disabled = True
    os.environ["NO_PROXY"] = "127.0.0.1"
    server = make_server("127.0.0.1", 0, Checked(DomainDispatcherApplication(create_backend_app)), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    kms = boto3.client("kms", REGION, endpoint_url=url, aws_access_key_id=ACCESS, aws_secret_access_key=SECRET)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    keys = []
    for _ in range(2):
        made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        keys.append([base64.b64encode(made[part]).decode() for part in ("CiphertextBlob", "Plaintext")])
    print(json.dumps({"port": server.server_port, "keys": keys}), flush=True)
    sys.stdin.read()


main()
