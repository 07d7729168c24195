//! Checkpoints and proofs of a real node, checked by implementations that are not Akta's; verification beside it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Output;

use super::binary::{akta, shown};
use super::support::{Events, Node, SCHOOL, data, run};
use akta::grpc::api::{
    GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest, ListNoticesRequest, VerifyTrailRequest,
};
use serde_json::Value;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash, check_record, check_tree, record_hash};

/// Trees of several levels of tiles, and of a size that fills none.
const RECORDS: usize = 700;

#[test]
fn strangers_agree_on_checkpoints_and_proofs() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let mut client = node.client().await;
        let mut events = Events::of(8);
        let mut known: Option<(u64, Hash)> = None;
        for size in [2, 3, 200, 257, RECORDS] {
            let have = known.map_or(1, |(size, _)| usize::try_from(size).unwrap());
            client.record_all((have..size).map(|_| events.read()).collect()).await.unwrap();
            let asked =
                GetCheckpointRequest { controller: SCHOOL.into(), at_least: size as u64, origin: String::new() };
            let found = client.evidence.get_checkpoint(asked).await.unwrap().into_inner();
            assert_eq!(found.size, size as u64);
            let (origin, root) = opened(&found.checkpoint, &found.verification_key, found.size);
            assert!(found.verification_key.starts_with(&format!("{origin}+")));
            assert_eq!(root.0.to_vec(), found.root);

            for seq in [0, 1, size as u64 / 2, size as u64 - 1] {
                let asked = GetInclusionProofRequest { controller: SCHOOL.into(), seq, size: 0, origin: String::new() };
                let proof = client.evidence.get_inclusion_proof(asked).await.unwrap().into_inner();
                assert_eq!((proof.size, &proof.checkpoint), (size as u64, &found.checkpoint));
                let hashes = hashes(&proof.hashes);
                check_record(&hashes, proof.size, root, seq, record_hash(&proof.header)).unwrap();
                let other = record_hash(b"another header");
                check_record(&hashes, proof.size, root, seq, other).unwrap_err();
                assert!(proof.tlog_proof.starts_with("c2sp.org/tlog-proof@v1\n"));
                assert!(proof.tlog_proof.ends_with(&found.checkpoint));
            }
            if let Some((old_size, old_root)) = known {
                let asked = GetConsistencyProofRequest {
                    controller: SCHOOL.into(),
                    old_size,
                    new_size: 0,
                    origin: String::new(),
                };
                let proof = client.evidence.get_consistency_proof(asked).await.unwrap().into_inner();
                check_tree(&hashes(&proof.hashes), proof.new_size, root, old_size, old_root).unwrap();
            }
            known = Some((found.size, root));
        }
    });
    node.stop();
}

/// Origin and root of a checkpoint, opened by the crates `signed_note` and `tlog_tiles`.
pub(super) fn opened(checkpoint: &str, key: &str, size: u64) -> (String, Hash) {
    let verifiers = VerifierList::new(vec![Box::new(StandardVerifier::new(key).unwrap())]);
    let note = Note::from_bytes(checkpoint.as_bytes()).unwrap();
    let (verified, unknown) = note.verify(&verifiers).unwrap();
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    let text = Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(text.size(), size);
    (text.origin().to_owned(), *text.hash())
}

fn hashes(bytes: &[Vec<u8>]) -> Vec<Hash> {
    bytes.iter().map(|bytes| Hash(bytes.as_slice().try_into().unwrap())).collect()
}

#[test]
fn verified_beside_a_writer_with_and_without_keys_and_against_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let (checkpoint, key) = run(async {
        let mut client = node.client().await;
        let mut events = Events::of(10);
        client.record_all((0..600).map(|_| events.read()).collect()).await.unwrap();
        let asked = GetCheckpointRequest { controller: SCHOOL.into(), at_least: 601, origin: String::new() };
        let found = client.evidence.get_checkpoint(asked).await.unwrap().into_inner();

        // Online, while more comes in: progress, then a report.
        let asked = VerifyTrailRequest { controller: SCHOOL.into(), origin: String::new() };
        let mut messages = client.evidence.verify_trail(asked).await.unwrap().into_inner();
        client.record_all((0..100).map(|_| events.read()).collect()).await.unwrap();
        let (mut progress, mut report) = (0, None);
        while let Some(message) = messages.message().await.unwrap() {
            assert!(report.is_none(), "the report comes last");
            progress += 1;
            report = message.report;
        }
        let report = report.unwrap();
        assert!(report.findings.is_empty() && report.records >= 601 && progress > 2, "{progress}: {report:?}");
        assert_eq!((report.groups_sealed, report.notices), (0, 1));

        // The node's own trail, and notices of both.
        let notices = |controller: &str| ListNoticesRequest { controller: controller.into(), ..Default::default() };
        let own = client.history.list_notices(notices("node")).await.unwrap().into_inner().notices;
        assert_eq!(own.len(), 2, "the trail was opened, the keyring was opened: {own:?}");
        assert_eq!(client.history.list_notices(notices(SCHOOL)).await.unwrap().into_inner().notices.len(), 1);
        (found.checkpoint, found.verification_key)
    });
    let file = folder.path().join("checkpoint");
    std::fs::write(&file, &checkpoint).unwrap();

    let with_keys = judged(&verify(folder.path(), &["--dev"]), 0);
    assert_eq!(with_keys["verdict"], "consistent, signer unverified");
    let without = judged(&verify(folder.path(), &[]), 0);
    assert_eq!(without["opened"], false);
    let school =
        |report: &Value| report["trails"].as_array().unwrap().iter().find(|t| t["records"] == 701).unwrap().clone();
    // Its opening notice stands in clear.
    assert_eq!(school(&without)["groups_intact"], 1);
    let groups = |report: &Value, name: &str| school(report)[name].as_u64().unwrap();
    assert_eq!(1 + groups(&without, "groups_sealed"), groups(&with_keys, "groups_intact"));
    assert_eq!(school(&without)["root"], school(&with_keys)["root"]);
    let outside = judged(&verify(folder.path(), &["--dev", "--checkpoint", file.to_str().unwrap(), "--vkey", &key]), 0);
    assert_eq!(outside["verdict"], "consistent, continues the checkpoint");
    let other = "akta.dev/school-12/w0+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let output = verify(folder.path(), &["--dev", "--checkpoint", file.to_str().unwrap(), "--vkey", other]);
    assert!(!output.status.success(), "another key does not open it: {}", shown(&output));
    node.stop();
}

#[test]
fn an_older_copy_put_back_is_refused_and_a_lost_guard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    let mut events = Events::of(11);
    let node = Node::start(folder.path());
    run(async { node.client().await.record_all((0..10).map(|_| events.read()).collect()).await.unwrap() });
    node.stop();
    let copied = std::process::Command::new("cp").arg("-r").arg(data(folder.path())).arg(old.path()).status().unwrap();
    assert!(copied.success());

    let node = Node::start(folder.path());
    run(async { node.client().await.record_all((0..10).map(|_| events.read()).collect()).await.unwrap() });
    node.stop();

    // Everything as it was, but for the guard, which lay elsewhere.
    let guard = std::fs::read(data(folder.path()).join("guard")).unwrap();
    std::fs::write(data(old.path()).join("guard"), guard).unwrap();
    let refused = serve(old.path());
    assert!(refused.contains("an older copy was put back") && refused.contains("were guarded"), "{refused}");
    let report = judged(&verify(old.path(), &["--dev"]), 1);
    assert!(report["findings"][0]["what"].as_str().unwrap().contains("were guarded"), "{report}");

    std::fs::remove_file(data(folder.path()).join("guard")).unwrap();
    let refused = serve(folder.path());
    assert!(refused.contains("the guard file is missing") && refused.contains("--new-guard"), "{refused}");
}

/// Why a node does not start.
fn serve(folder: &Path) -> String {
    let output =
        akta().args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(data(folder)).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn verify(folder: &Path, more: &[&str]) -> Output {
    akta().arg("verify").arg(data(folder)).args(more).arg("--json").output().unwrap()
}

fn judged(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", shown(output));
    serde_json::from_slice(&output.stdout).unwrap()
}
