//! The lines of README.md, run as they stand there: a first call with each tool, and what to ask after it.
#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use prost::Message;
use serde_json::{Value, json};

use super::binary::{shown, untouched};
use super::skip::skip;
use super::support::{Node, data};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Where the lines expect the node; here it takes a free port.
const ADDRESS: &str = "127.0.0.1:7425";

fn readme() -> String {
    std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// Commands of the README that begin with `word`, each as one line.
fn lines(word: &str) -> Vec<String> {
    let joined = blocks("sh").join("\n").replace("\\\n", " ");
    let found: Vec<_> = joined.lines().filter(|line| line.starts_with(word)).map(str::to_owned).collect();
    assert!(!found.is_empty(), "README.md has no line that begins with {word}");
    found
}

/// The command within a paragraph that begins with `word`.
fn inline(word: &str) -> String {
    let text = readme();
    let found = text.split('`').skip(1).step_by(2).find(|code| code.starts_with(word));
    found.unwrap_or_else(|| panic!("README.md names no {word}")).to_owned()
}

/// What stands between fences of a language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// A node, and a folder as the README has it: the event, the data folder, the protos.
struct Desk {
    folder: tempfile::TempDir,
    node: Node,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(folder.path());
        std::os::unix::fs::symlink(data(folder.path()), folder.path().join("akta-data")).unwrap();
        std::os::unix::fs::symlink(Path::new(ROOT).join("proto"), folder.path().join("proto")).unwrap();
        let event: Value = serde_json::from_str(&blocks("json")[0]).unwrap();
        let desk = Self { folder, node };
        desk.file("event.json", &json!({ "event": event }).to_string());
        let mut bad = event;
        bad["action"] = "ACTION_UNSPECIFIED".into();
        bad["event_id"] = "number 7".into();
        desk.file("bad.json", &json!({ "event": bad }).to_string());
        let question = json!({ "controller": "school-12", "purpose": "PURPOSE_SUBJECT_RIGHTS",
            "filter": { "subject": { "namespace": "pupil", "id": "p-204" } } });
        desk.file("question.json", &question.to_string());
        desk
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A line in a shell, in that folder, with these folders of programs first.
    fn run(&self, line: &str, programs: &[PathBuf]) -> Output {
        let line = line.replace(ADDRESS, self.node.address());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: OsString =
            std::env::join_paths(programs.iter().cloned().chain(std::env::split_paths(&path))).unwrap();
        let mut shell = untouched(Command::new("sh"));
        shell.args(["-euc", &line]).current_dir(&self.folder).env("PATH", path);
        shell.env("AKTA_SERVER", self.node.address()).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
    }

    /// The same, which must succeed and answer in JSON.
    fn answer(&self, line: &str, programs: &[PathBuf]) -> Value {
        let output = self.run(line, programs);
        assert!(output.status.success(), "{line}\n{}", shown(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Records, asks and is refused by the line of a tool that takes JSON; what the refusal looked like.
    fn first_call(&self, line: &str, programs: &[PathBuf]) -> String {
        let answer = self.answer(line, programs);
        let shown_there: Value = serde_json::from_str(&blocks("json")[1]).unwrap();
        let names = |value: &Value| value["receipt"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&answer), names(&shown_there), "the answer looks as the README says");
        assert_eq!(answer["receipt"]["seq"], "1");
        assert!(answer["receipt"]["origin"].as_str().unwrap().starts_with("akta.dev/school-12/w"));
        assert_eq!(self.answer(line, programs), answer, "the same event again gets the first receipt");

        let asks = line.replace("event.json", "question.json").replace("Ingest", "History");
        let found = self.answer(&asks.replace("RecordEvent", "SearchEvents"), programs);
        assert_eq!(found["events"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found["events"][0]["receipt"], answer["receipt"]);
        assert_eq!(found["events"][0]["event"]["actor"]["identity"]["id"], "t-17");

        let refused = self.run(&line.replace("event.json", "bad.json"), programs);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{}", shown(&refused));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("event_id: must be a UUID as text") && said.contains("action: is required"), "{said}");
        assert!(!said.contains("number 7"), "the value is not echoed: {said}");
        said
    }
}

#[test]
fn buf_curl_makes_the_first_call() {
    let Some(buf) = std::env::var_os("BUF") else {
        return skip("buf_curl_makes_the_first_call", "BUF does not name buf");
    };
    let programs = [Path::new(&buf).parent().unwrap().to_owned()];
    let line = lines("buf curl").remove(0);
    // With the node's reflection, and with the protos at hand.
    for line in [line.clone(), line.replace("buf curl", "buf curl --schema proto")] {
        let desk = Desk::new();
        let said = desk.first_call(&line, &programs);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["code"], "invalid_argument");
        assert_eq!(said["details"][0]["type"], "google.rpc.BadRequest");
        let details = said["details"][0]["value"].as_str().unwrap().trim_end_matches('=');
        let bad = tonic_types::pb::BadRequest::decode(&*STANDARD_NO_PAD.decode(details).unwrap()).unwrap();
        let fields: Vec<_> = bad.field_violations.iter().map(|bad| bad.field.as_str()).collect();
        assert_eq!(fields, ["event_id", "action"]);
        desk.node.stop();
    }
}

#[test]
fn grpcurl_makes_the_first_call() {
    let name = "grpcurl_makes_the_first_call";
    if Command::new("grpcurl").arg("-version").output().is_err() {
        return skip(name, "no grpcurl on the path");
    }
    let desk = Desk::new();
    let said = desk.first_call(&lines("grpcurl").remove(0), &[]);
    for field in ["event_id", "action"] {
        assert!(said.contains(&format!("{{\"field\":\"{field}\",\"description\":\"")), "{said}");
    }
    desk.node.stop();
}

#[test]
fn python_makes_the_first_call() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip("python_makes_the_first_call", "AKTA_PYTHON does not name a Python with grpcio");
    };
    let desk = Desk::new();
    let program = std::fs::read_to_string(Path::new(ROOT).join("tests/clients/first_call.py")).unwrap();
    // Its head says how to run it; the package is there already.
    let head = program.split("\"\"\"").nth(1).unwrap();
    let commands = head.split_once("\n\n").unwrap().1.replace("pip install grpcio-tools &&", "");
    std::fs::create_dir_all(desk.folder.path().join("tests/clients")).unwrap();
    desk.file("tests/clients/first_call.py", &program.replace(ADDRESS, desk.node.address()));
    let output = desk.run(&commands, &[Path::new(&python).parent().unwrap().to_owned()]);
    assert!(output.status.success(), "{}", shown(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(words[0].starts_with("akta.dev/school-12/w") && words[1] == "1" && words[2].len() == 64, "{told}");
    desk.node.stop();
}

#[test]
fn what_to_ask_after_it_is_answered() {
    let desk = Desk::new();
    let programs = [Path::new(env!("CARGO_BIN_EXE_akta")).parent().unwrap().to_owned()];
    // What the first call reports, by the command line.
    let mut event: Value = serde_json::from_str(&blocks("json")[0]).unwrap();
    event = json!({ "event_id": event["event_id"].take(), "actor": "staff:t-17", "actor_kind": "human", "action": "read",
        "outcome": "success", "purpose": "teaching", "subjects": ["pupil:p-204"], "categories": ["education-record"],
        "occurred_at": jiff::Timestamp::now().to_string() });
    desk.file("audit.jsonl", &format!("{event}\n"));
    desk.file("access.log", "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET /marks HTTP/1.1\" 200 7 \"-\" \"-\"\n");
    let import = lines("akta import --controller school-12 --format jsonl").remove(0);
    // Each line, and what its answer must hold.
    let rows = [
        (import, "1"),
        (lines("akta search --controller school-12 --purpose subject-rights").remove(0), "staff:t-17"),
        (lines("akta search --controller school-12 --purpose security").remove(0), "LOG_QUERY"),
        (lines("akta verify").remove(0), "Consistent"),
        (lines("akta import --controller web").remove(0), "1"),
        (inline("akta export"), ""),
        (lines("akta controller open").remove(0), "was open already"),
        (lines("akta grant give").remove(0), "is given"),
        (lines("akta incident declare").remove(0), "it stands in the trails of 2 controllers"),
        (lines("akta notices").remove(0), "ticket 4711"),
    ];
    for (line, holds) in rows {
        let output = desk.run(&line, &programs);
        assert!(output.status.success() && shown(&output).contains(holds), "{line}\n{}", shown(&output));
    }
    let exported = std::fs::read_to_string(desk.folder.path().join("trail.jsonl")).unwrap();
    assert!(exported.lines().count() > 3, "{exported}");
    desk.node.stop();
}
