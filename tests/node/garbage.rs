//! Bytes that are no message.
#![allow(clippy::unwrap_used)]

use super::calls::ROWS;
use super::edits::{MARK, record};
use super::raw::Bytes;
use super::support::{Events, Node, everything, run};
use tonic::transport::Endpoint;
use tonic::{Code, Request};

/// Bytes that are no message: as a gRPC body of their own making.
#[test]
fn garbage_instead_of_a_message_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let endpoint = Endpoint::from_shared(format!("http://{}", node.address())).unwrap();
        let mut raw = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        let mut client = node.client().await;
        let mut events = Events::of(3);
        let not_utf8 = [b"\x0a\x12\x0a\x10".as_slice(), MARK.as_bytes(), b"\xff\xfe"].concat();
        let too_short = [b"\x0a\x7f".as_slice(), MARK.as_bytes()].concat();
        let bodies = [MARK.as_bytes().to_vec(), vec![0xff; 4_096], vec![0x0a; 100_000], not_utf8, too_short];
        // Those that take one message and give one.
        let streams = ["StreamEvents", "RecordEvents", "VerifyTrail"];
        let calls = || ROWS.iter().map(|row| row.0).filter(|call| !streams.iter().any(|other| call.ends_with(other)));
        for call in calls() {
            let method = &format!("/akta.v1.{call}");
            for body in &bodies {
                raw.ready().await.unwrap();
                let path = method.parse().unwrap();
                let status = raw.unary(Request::new(body.clone()), path, Bytes).await.unwrap_err();
                // The codec answers before Akta sees a message; its words are brought in line with the outcome table.
                let first = &body[..body.len().min(8)];
                let question = !method.contains("Ingest");
                let expected =
                    if question && body.len() > 64 << 10 { Code::ResourceExhausted } else { Code::InvalidArgument };
                assert_eq!(status.code(), expected, "{method} {first:02x?}: {status:?}");
                let said = [status.message().as_bytes(), status.details()].concat();
                assert!(!said.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{method}: {status:?}");
                record(&mut client, events.read()).await.unwrap();
            }
        }
        for method in ["/akta.v1.IngestService/RecordEvent", "/akta.v1.IngestService/RecordEvents"] {
            raw.ready().await.unwrap();
            let status =
                raw.unary(Request::new(vec![0xff; 7 << 20]), method.parse().unwrap(), Bytes).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{method}: {status:?}");
            assert!(status.message().contains("64 KiB"), "says what the limit is: {status:?}");
        }
        raw.ready().await.unwrap();
        let path = "/akta.v1.IngestService/ForgetEverything".parse().unwrap();
        let status = raw.unary(Request::new(Vec::new()), path, Bytes).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        let (rows, _) = client.search(everything()).await.unwrap();
        assert_eq!(rows.len(), calls().count() * bodies.len(), "nothing but the good events is in the trail");
    });
    node.stop();
}
