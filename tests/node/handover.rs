//! The signing key is replaced, while serving and offline: whoever trusts the first key can go on to the last, and an old
//! one signs nothing more.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use akta::client::Client;
use akta::grpc::api::{GetCheckpointRequest, GetCheckpointResponse, ListNoticesRequest};
use akta::model::checkpoint::Checkpoint;
use akta::model::handover::Handover;
use akta::model::origin::Origin;
use akta::model::seal::Key;
use akta::model::stored::notice_core::Kind;
use akta::model::tree::Hash;
use akta::store::files::Folder;
use akta::trail::keyring::{Kek, Keyring};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::binary::shown;
use super::rotation::{Place, Serving};
use super::skip::skip;
use super::support::{Events, SCHOOL, run};

impl Serving {
    /// Records some events; then the newest checkpoint.
    fn checkpoint(&self, events: &mut Events, count: usize) -> GetCheckpointResponse {
        run(async {
            let mut client = Client::connect(&self.address).await.unwrap();
            let mut at_least = 0;
            if count > 0 {
                let receipts = client.record_all((0..count).map(|_| events.read()).collect()).await.unwrap();
                at_least = receipts.last().map_or(0, |receipt| receipt.seq + 1);
            }
            let asked = GetCheckpointRequest { controller: SCHOOL.into(), at_least, origin: String::new() };
            client.evidence.get_checkpoint(asked).await.unwrap().into_inner()
        })
    }

    /// What the notices of a trail say, with their positions.
    fn notices(&self, controller: &str) -> Vec<(u64, Kind)> {
        run(async {
            let mut client = Client::connect(&self.address).await.unwrap();
            let asked = ListNoticesRequest { controller: controller.into(), ..Default::default() };
            let notices = client.history.list_notices(asked).await.unwrap().into_inner().notices.into_iter();
            notices.map(|notice| (notice.receipt.unwrap().seq, notice.notice.unwrap().kind.unwrap())).collect()
        })
    }

    fn handovers(&self) -> Vec<Handover> {
        let origin = |told: &GetCheckpointResponse| Origin::parse(told.checkpoint.lines().next().unwrap()).unwrap();
        let origin = origin(&self.checkpoint(&mut Events::of(99), 0));
        let told = self.notices(SCHOOL).into_iter();
        let told = told.filter_map(|(seq, kind)| match kind {
            Kind::SigningKeyRotated(told) => Some(Handover::check(&told, &origin, seq).unwrap()),
            _ => None,
        });
        told.collect()
    }
}

/// Judges the folder by a checkpoint and a key: exit code, and the JSON on stdout, or else what was said.
fn verify(place: &Place, checkpoint: &str, vkey: &str) -> (Option<i32>, Value) {
    std::fs::write(place.path().join("checkpoint"), checkpoint).unwrap();
    let output = place
        .run(&["verify", "data", "--kek-file", "kek", "--checkpoint", "checkpoint", "--vkey", vkey, "--json"], &[]);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Value::from(shown(&output)));
    (output.status.code(), report)
}

#[test]
fn a_signing_key_is_replaced_while_serving_and_offline() {
    let place = Place::new(&["kek"]);
    let mut events = Events::of(31);
    let mut serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let first = serving.checkpoint(&mut events, 5);
    place.copy_keyring("before");
    serving.signal("USR1");
    let log = serving.until("checkpoints are signed by a new key");
    assert!(log.contains("hand out the new verification keys"), "{log}");
    let second = serving.checkpoint(&mut events, 3);
    assert_ne!(first.verification_key, second.verification_key);
    let told = serving.handovers();
    assert_eq!(told.len(), 1);
    assert_eq!(
        [&told[0].old, &told[0].new].map(ToString::to_string),
        [&first, &second].map(|c| c.verification_key.clone())
    );
    assert_eq!((first.size, told[0].size, second.size), (6, 6, 10), "no record comes between");
    assert!(serving.notices("node").iter().any(|(_, kind)| matches!(kind, Kind::SigningKeyRotated(_))));
    serving.stop();

    let rotated = place.run(&["keys", "rotate-signing", "data", "--kek-file", "kek"], &[]);
    assert!(rotated.status.success() && shown(&rotated).contains("signed by a new key"), "{}", shown(&rotated));
    let serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let third = serving.checkpoint(&mut events, 1);
    assert_eq!(serving.handovers().len(), 2);
    let refused = place.run(&["keys", "rotate-signing", "data", "--kek-file", "kek"], &[]);
    assert!(shown(&refused).contains("in use by another akta"), "{}", shown(&refused));
    serving.stop();

    let keys = [&first, &second, &third].map(|found| found.verification_key.clone());
    for (checkpoint, vkey, code, want) in [
        (&first, &keys[0], 0, Ok(0)),
        (&second, &keys[0], 0, Ok(1)),
        (&third, &keys[0], 0, Ok(2)),
        (&third, &keys[1], 0, Ok(1)),
        (&third, &keys[2], 0, Ok(0)),
        (&first, &keys[2], 3, Err("never back")),
        (&second, &keys[2], 3, Err("never back")),
    ] {
        let (status, report) = verify(&place, &checkpoint.checkpoint, vkey);
        assert_eq!(status, Some(code), "{report}");
        match want {
            Ok(followed) => {
                assert_eq!(report["verdict"], "consistent, continues the checkpoint");
                assert_eq!(report["followed"].as_array().unwrap().len(), followed);
            }
            Err(why) => assert!(report.as_str().unwrap().contains(why), "{report}"),
        }
    }
    let words =
        place.run(&["verify", "data", "--kek-file", "kek", "--checkpoint", "checkpoint", "--vkey", &keys[0]], &[]);
    for said in ["The signing key was replaced at record 6: ", "which your key leads to, signed"] {
        assert!(shown(&words).contains(said), "{}", shown(&words));
    }
    shown_keys(&place, &keys);
    stolen(&place, &third, &keys);
    agreed(&place, &third, &keys[0]);
}

/// `akta keys` shows the key in force and those before it.
fn shown_keys(place: &Place, keys: &[String; 3]) {
    let text = place.run(&["keys", "data", "--kek-file", "kek"], &[]);
    assert!(
        shown(&text).contains("EARLIER ONES") && keys.iter().all(|key| shown(&text).contains(key)),
        "{}",
        shown(&text)
    );
    let json = place.run(&["keys", "data", "--kek-file", "kek", "--json"], &[]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let school =
        json["verification_keys"].as_array().unwrap().iter().find(|one| one["verification_key"] == keys[2].as_str());
    assert_eq!(school.unwrap()["earlier_verification_keys"], serde_json::json!([keys[1], keys[0]]));
}

/// Whoever has the first key, from an old keyring and its KEK, signs what is true and what is not: both count for nothing.
fn stolen(place: &Place, newest: &GetCheckpointResponse, keys: &[String; 3]) {
    let kek = std::fs::read_to_string(place.path().join("kek")).unwrap();
    let kek = Kek::new(Key::from_slice(&STANDARD.decode(kek.trim()).unwrap()).unwrap());
    let keyring = Keyring::open_read_only(Arc::new(Folder::new(place.path().join("before"))), kek, 0).unwrap();
    let origin = newest.checkpoint.lines().next().unwrap().to_owned();
    let signer = keyring.signer(&Origin::parse(&origin).unwrap()).unwrap();
    assert_eq!(signer.vkey().to_string(), keys[0]);
    let root = Hash(newest.root.as_slice().try_into().unwrap());
    for (root, findings) in [(root, 1), (Hash([7; 32]), 2)] {
        let signed = Checkpoint { origin: origin.clone(), size: newest.size, root }.sign(&signer).unwrap();
        let (status, report) = verify(place, &signed, &keys[0]);
        assert_eq!((status, report["findings"].as_array().map(Vec::len)), (Some(1), Some(findings)), "{report}");
        let what = report["findings"][0]["what"].as_str().unwrap();
        assert!(what.contains("signed by a key that was replaced at record 6"), "{what}");
        // Who has gone on to a later key never takes it.
        let (status, report) = verify(place, &signed, &keys[2]);
        assert_eq!(status, Some(3), "{report}");
    }
}

/// The verifier in Python, which follows the page alone, comes to the same.
fn agreed(place: &Place, newest: &GetCheckpointResponse, vkey: &str) {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip(
            "a_signing_key_is_replaced_while_serving_and_offline",
            "AKTA_PYTHON does not name a Python with the verifier's packages",
        );
    };
    std::fs::write(place.path().join("checkpoint"), &newest.checkpoint).unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    let judged = |vkey: &str| -> Value {
        let mut verifier = Command::new(&python);
        verifier.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        verifier.envs([("PYTHONPATH", "tests"), ("PYTHONDONTWRITEBYTECODE", "1")]);
        verifier.args(["-m", "verifier", "folder", &at("data"), "--kek-file", &at("kek"), "--json"]);
        let output = verifier.args(["--checkpoint", &at("checkpoint"), "--vkey", vkey]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", shown(&output)))
    };
    let good = judged(vkey);
    assert_eq!(good["verdict"], "good", "{good}");
    assert!(good["notes"].to_string().contains("over 2 replacements"), "{good}");
    // A key of somebody else leads nowhere.
    let other = akta::model::vkey::Signer::from_seed(vkey.split('+').next().unwrap(), &[5; 32]).unwrap();
    let bad = judged(&other.vkey().to_string());
    assert_eq!(bad["verdict"], "bad", "{bad}");
}

/// Each rotation of the KEK is told once, whether it was done offline, at a start or while serving; and an image of the
/// keyring under an old KEK is of no use to a node any more, also with that KEK.
#[test]
fn each_rotation_of_the_kek_is_told_once() {
    let place = Place::new(&["first", "second", "third", "fourth"]);
    let put = |from: &str| std::fs::copy(place.path().join(from), place.path().join("kek")).unwrap();
    let told = |serving: &Serving| {
        let notices = serving.notices("node").into_iter();
        let told = notices.filter_map(|(_, kind)| if let Kind::KekRotated(told) = kind { Some(told) } else { None });
        told.map(|told| (told.generation_before, told.generation_after)).collect::<Vec<_>>()
    };
    put("first");
    let serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    serving.checkpoint(&mut Events::of(41), 2);
    assert_eq!(told(&serving), []);
    serving.stop();
    place.copy_keyring("under-first");

    // Offline, twice: one notice tells of both.
    for (new, old) in [("second", "first"), ("third", "second")] {
        let rotated = place.rotate(new, old);
        assert!(rotated.status.success(), "{}", shown(&rotated));
    }
    put("third");
    let mut serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let once = told(&serving);
    assert_eq!(once.len(), 1, "{once:?}");
    put("fourth");
    serving.signal("HUP");
    serving.until("the keyring is sealed under the new key-encryption key");
    let twice = told(&serving);
    assert_eq!((twice.len(), twice[0]), (2, once[0]));
    assert!(twice.iter().all(|(before, after)| before < after) && twice[0].1 <= twice[1].0, "{twice:?}");
    serving.stop();
    let serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    assert_eq!(told(&serving), twice, "a start tells of it no second time");
    serving.stop();

    std::fs::copy(place.path().join("under-first/keyring"), place.path().join("data/keyring")).unwrap();
    let refused = place.run(&["verify", "data", "--kek-file", "first"], &[]);
    assert!(shown(&refused).contains("an old copy was put back"), "{}", shown(&refused));
}

/// What opens the keyring for reading says so in its log, and leaves no notice; it changes no byte.
#[test]
fn an_opening_for_reading_is_a_line_of_the_log() {
    let place = Place::new(&["kek"]);
    let serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let checkpoint = serving.checkpoint(&mut Events::of(51), 2);
    let before = serving.notices("node").len();
    let bytes = std::fs::read(place.path().join("data/keyring")).unwrap();
    let (status, _) = verify(&place, &checkpoint.checkpoint, &checkpoint.verification_key);
    assert_eq!(status, Some(0));
    for arguments in [&["verify", "data", "--kek-file", "kek"][..], &["keys", "data", "--kek-file", "kek"]] {
        let output = place.run(arguments, &[]);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && log.contains("the keyring was opened for reading generation=2"), "{log}");
    }
    let without = place.run(&["verify", "data"], &[]);
    assert!(!shown(&without).contains("opened for reading"), "{}", shown(&without));
    assert_eq!(serving.notices("node").len(), before);
    serving.stop();
    assert_eq!(std::fs::read(place.path().join("data/keyring")).unwrap(), bytes);
    // Each command that opens it for writing: the next start, and the one that replaces the signing key.
    let rotated = place.run(&["keys", "rotate-signing", "data", "--kek-file", "kek"], &[]);
    assert!(rotated.status.success(), "{}", shown(&rotated));
    let serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let kinds: Vec<_> = serving.notices("node").into_iter().map(|(_, kind)| kind).collect();
    let opened = kinds.iter().filter(|kind| matches!(kind, Kind::KeyringOpened(_))).count();
    assert_eq!((opened, kinds.len()), (3, before + 3), "{kinds:?}");
    serving.stop();
}
