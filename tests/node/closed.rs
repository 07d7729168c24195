//! A school leaves, from outside: everything is handed out, destroyed by two people's word and certified; its neighbour goes on, and
//! what is left still proves.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Output;

use akta::grpc::api::{
    CloseControllerRequest, CompleteExport, RecordEventsRequest, close_controller_request::Returned,
};
use akta::model::closing::TITLE;
use akta::model::note::Note;
use akta::model::vkey::Vkey;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::binary::{akta, shown};
use super::neighbours::{Neighbours, SCHOOLS, with};
use super::skip::skip;
use super::stranger::finds_nothing;
use super::support::{Events, data, run};

const SCHOOL: &str = SCHOOLS[0];
/// Stands in every event of the school that leaves, and nowhere else.
const PLANTED: &str = "planted-7f3a91";
const UNKNOWN: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073999";

/// Who, a command of theirs, its exit status, and words of what it prints. Each follows from those before it. REQUEST and OTHER are
/// approvals that are asked for, OTHER for a person.
type Row = (&'static str, &'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const REFUSED: &[Row] = &[
    ("auditor", "controller close --dry-run", 3, &["you may not decide that"]),
    ("contact", "controller close --dry-run", 0, &["records", "access", "pseudonyms"]),
    ("contact", "controller close --dry-run --json", 0, &["\"holds\":[]", "\"people\":"]),
    ("contact", "controller close --ground over --approval UNKNOWN", 3, &["export: is required"]),
    ("contact", "controller close --ground over --without-export --export FILE --approval UNKNOWN", 2, &["cannot be used with"]),
    ("contact", "controller close --ground over --without-export", 3, &["approval_id: must be a UUID"]),
    ("contact", "controller close --without-export --approval UNKNOWN", 3, &["ground: is required"]),
    ("contact", "controller close --ground over --without-export --approval UNKNOWN", 3, &["there is no such request"]),
    ("contact", "controller close --ground over --without-export --approval REQUEST", 3, &["needs another"]),
    ("head", "approval agree REQUEST", 0, &[]),
    ("head", "approval agree OTHER", 0, &[]),
    ("contact", "controller close --ground over --without-export --approval OTHER", 3, &["there is no such request"]),
    ("head", "controller close --ground over --without-export --approval REQUEST", 3, &["only who asked for it"]),
    ("contact", "hold place --subject pupil:p-204 --kind case --owner legal --ground claim --review SOON --id UNKNOWN --may-be-empty", 0, &[]),
    ("contact", "controller close --dry-run", 1, &["the hold UNKNOWN must be released first"]),
    ("contact", "controller close --ground over --without-export --approval REQUEST", 3, &["holds that are not released", "UNKNOWN"]),
    ("contact", "hold release UNKNOWN --ground settled", 0, &[]),
    ("contact", "controller list", 0, &["school-1", "CLOSED"]),
];

#[rustfmt::skip]
const CLOSED: &[Row] = &[
    ("contact", "controller close --ground over --export FILE --certificate PAPER --approval REQUEST", 0,
        &["complete, no position is missing", "school-1 is closed: notice "]),
    ("contact", "controller close --json", 0, &["\"changed\":false", "certificate of destruction"]),
    ("contact", "controller close", 0, &["was closed before", "export: sha256 ", "Not proved by this"]),
    ("auditor", "controller close", 3, &["you may not decide that"]),
    ("contact", "controller list --json", 0, &["\"closed_at\":\"20"]),
    ("contact", "search --purpose subject-rights", 3, &["this controller was closed on 20", "destroyed"]),
    ("contact", "export --purpose subject-rights", 3, &["was closed on"]),
    ("contact", "approval ask erasure --concerning pupil:p-1 --ground x", 3, &["was closed on"]),
    ("contact", "controller set --register-keeper", 3, &["was closed on"]),
    ("contact", "controller open", 3, &["was closed on"]),
    ("contact", "identity find pupil:p-204 --purpose subject-rights", 3, &[]),
    ("contact", "notices", 0, &["controller closed", "approval used"]),
    ("contact", "notices --purpose subject-rights", 3, &["was closed on"]),
];

struct World {
    inner: Neighbours,
    request: String,
    other: String,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.inner.folder.path().join(name)
    }

    fn command(&self, who: &str, words: &str, of: usize) -> Output {
        std::fs::write(self.path("token"), self.inner.token(who, of)).unwrap();
        let server = format!("https://{}", self.inner.address());
        let mut command = akta();
        command.args(words.split(' ')).args(["--controller", SCHOOLS[of], "--server", &server]);
        command.arg("--ca").arg(self.path("ca.crt")).arg("--token-file").arg(self.path("token")).output().unwrap()
    }

    fn put(&self, text: &str) -> String {
        let soon = akta::model::date::Date::of_utc(akta::env::Clock::now(&akta::env::SystemClock)).plus_days(20);
        let file = |name: &str| self.path(name).display().to_string();
        text.replace("REQUEST", &self.request)
            .replace("OTHER", &self.other)
            .replace("UNKNOWN", UNKNOWN)
            .replace("SOON", &soon.to_string())
            .replace("FILE", &file("export.jsonl"))
            .replace("PAPER", &file("certificate"))
    }

    /// Takes the commands one by one. Those of a list are about no controller.
    fn ordered(&self, rows: &[Row]) {
        for (who, words, status, phrases) in rows {
            let words = self.put(words);
            let output = match words.starts_with("controller list") {
                true => self.listing(who, &words),
                false => self.command(who, &words, 0),
            };
            let told = shown(&output);
            assert_eq!(output.status.code(), Some(*status), "{who}: {words}: {told}");
            for phrase in *phrases {
                assert!(told.contains(&self.put(phrase)), "{who}: {words}: no {:?} in {told}", self.put(phrase));
            }
        }
    }

    fn listing(&self, who: &str, words: &str) -> Output {
        std::fs::write(self.path("token"), self.inner.token(who, 0)).unwrap();
        let mut command = akta();
        command.args(words.split(' ')).args(["--server", &format!("https://{}", self.inner.address())]);
        command.arg("--ca").arg(self.path("ca.crt")).arg("--token-file").arg(self.path("token")).output().unwrap()
    }

    fn asked(&self, about: &str) -> String {
        let words = format!("approval ask erasure --concerning {about} --ground letter --json");
        let output = self.command("contact", &words, 0);
        assert!(output.status.success(), "{}", shown(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["id"].as_str().unwrap().to_owned()
    }

    async fn reports(&self, school: usize, source: u32, word: &str) -> Result<(), Status> {
        let mut events = Events::of(source);
        let mut all = Vec::new();
        for _ in 0..5 {
            let mut event = events.read();
            event.controller = SCHOOLS[school].to_owned();
            event.resource.get_or_insert_default().id = word.to_owned();
            all.push(event);
        }
        let mut client = self.inner.reports(school).await;
        client.ingest.record_events(RecordEventsRequest { events: all }).await.map(drop)
    }
}

#[test]
fn a_school_leaves_and_its_neighbour_stays() {
    let mut world = World { inner: Neighbours::new(""), request: String::new(), other: String::new() };
    run(async {
        world.reports(0, 71, PLANTED).await.unwrap();
        world.reports(1, 72, "stays").await.unwrap();
    });
    (world.request, world.other) = (world.asked(&format!("controller:{SCHOOL}")), world.asked("staff:t-1"));
    world.ordered(REFUSED);
    // What came after an export, which is not in it.
    let stale = |size| CloseControllerRequest {
        controller: SCHOOL.to_owned(),
        approval_id: world.request.clone(),
        ground: "over".to_owned(),
        returned: Some(Returned::Export(CompleteExport { sha256: vec![7; 32], size })),
        dry_run: false,
    };
    run(async {
        let mut controllers =
            akta::grpc::api::controller_service_client::ControllerServiceClient::new(world.inner.people().await);
        let token = world.inner.token("contact", 0);
        for (size, code, phrase) in [
            (2, Code::FailedPrecondition, "events were recorded after the export"),
            (1 << 40, Code::InvalidArgument, "export.size"),
            (0, Code::InvalidArgument, "export.size"),
        ] {
            let status = controllers.close_controller(with(stale(size), &token)).await.unwrap_err();
            assert!(status.code() == code && status.message().contains(phrase), "{size}: {status:?}");
        }
        let mut bad = stale(1);
        bad.returned = Some(Returned::Export(CompleteExport { sha256: vec![7; 31], size: 1 }));
        let status = controllers.close_controller(with(bad, &token)).await.unwrap_err();
        let named = status
            .get_error_details()
            .bad_request()
            .is_some_and(|bad| bad.field_violations[0].field == "export.sha256");
        assert!(named, "{status:?}");
    });
    world.ordered(CLOSED);
    run(async {
        let status = world.reports(0, 73, PLANTED).await.unwrap_err();
        assert!(status.code() == Code::FailedPrecondition && status.message().contains("was closed on"), "{status:?}");
        world.reports(1, 74, "stays").await.unwrap();
    });
    for words in ["search --purpose security --json --all", "export --purpose security"] {
        let output = world.command("auditor", words, 1);
        assert!(output.status.success() && shown(&output).contains("stays"), "{words}: {}", shown(&output));
    }
    certified(&world);
    let World { inner, .. } = world;
    let Neighbours { node, folder, .. } = inner;
    node.stop();
    nothing_is_left(folder.path());
    proved(folder.path());
}

/// The certificate is signed, and names the file that was handed out.
fn certified(world: &World) {
    let told = world.command("contact", "controller close --json", 0);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let key: Vkey = told["verification_key"].as_str().unwrap().parse().unwrap();
    let paper = std::fs::read_to_string(world.path("certificate")).unwrap();
    let note = Note::parse(paper.as_bytes()).unwrap();
    assert!(note.verify(std::slice::from_ref(&key)).is_ok());
    assert_eq!(told["certificate"].as_str(), Some(paper.as_str()), "made anew, it is the same");
    let file = std::fs::read(world.path("export.jsonl")).unwrap();
    let hash: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    for line in [TITLE, "controller: school-1", "events: 5 ACCESS", &format!("request: {}", world.request)] {
        assert!(note.text().lines().any(|own| own == line), "{line}: {paper}");
    }
    assert!(note.text().contains(&format!("export: sha256 {hash}, of the first ")), "{hash}: {paper}");
    assert!(String::from_utf8(file).unwrap().contains(PLANTED), "what is handed out is there to be read");
}

/// In no file of the node, whatever it is called. The export is the school's.
fn nothing_is_left(folder: &Path) {
    let mut waiting = vec![data(folder)];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        seen += 1;
        let found = bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes());
        assert!(!found, "{} holds what was planted", path.display());
    }
    assert!(seen > 5);
}

/// Both verifiers find nothing, with keys and without.
fn proved(folder: &Path) {
    let mut verify = akta();
    let output = verify.arg("verify").arg(data(folder)).args(["--dev", "--json"]).output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    let output = akta().arg("verify").arg(data(folder)).arg("--json").output().unwrap();
    assert!(output.status.success(), "akta verify without keys: {}", shown(&output));
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        let why = "AKTA_PYTHON does not name a Python with the verifier's packages";
        return skip("a_school_leaves_and_its_neighbour_stays", why);
    };
    for (words, path) in [
        (&["folder", "--dev"][..], data(folder).into_os_string()),
        (&["folder"], data(folder).into_os_string()),
        (&["export"], folder.join("export.jsonl").into_os_string()),
    ] {
        finds_nothing(&python, words, Path::new(&path));
    }
}
