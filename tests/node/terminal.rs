//! What a command shows, whoever wrote it: a server, a file, the name of a file. Nothing in it makes a terminal do
//! anything, or reads as something else.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use akta::model::character::is_harmful;

use super::binary::{akta, shown};
use super::hostile::{Answers, Hostile, TEXT};
use super::support::{Node, SCHOOL, data};

/// A part of [`TEXT`] that is shown as it is.
const MARK: &str = "zq-hostile-7731";

/// A call of the binary, and whether what is hostile in it must be seen, harmless.
struct Call {
    arguments: Vec<OsString>,
    seen: bool,
}

fn call(seen: bool, arguments: &[&str]) -> Call {
    Call { arguments: arguments.iter().map(OsString::from).collect(), seen }
}

impl Call {
    fn with(mut self, path: &Path) -> Self {
        self.arguments.push(path.into());
        self
    }

    fn run(&self) -> Output {
        let name = format!("AKTA_{TEXT}").replace('\0', "");
        let mut command = akta();
        command.args(&self.arguments);
        // Notes of `config check` name variables.
        if self.arguments[0] == "config" {
            command.env(name, "x");
        }
        command.output().unwrap()
    }

    /// What is wrong with what it says.
    fn judged(&self) -> Option<String> {
        let output = self.run();
        let what = || format!("{:?}: {:?}", self.arguments, shown(&output));
        for bytes in [&output.stdout, &output.stderr] {
            let Ok(text) = std::str::from_utf8(bytes) else { return Some(format!("no text: {}", what())) };
            if let Some(bad) = text.chars().find(|c| *c != '\n' && is_harmful(*c)) {
                return Some(format!("{bad:?} in {}", what()));
            }
        }
        let seen = shown(&output).contains(MARK);
        (self.seen && !seen).then(|| format!("shows nothing of what is hostile: {}", what()))
    }
}

/// Files and folders whose names and contents are hostile.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn path(&self, name: &str) -> PathBuf {
        let name = [name.as_bytes(), TEXT.replace(['\0', '/'], "").as_bytes()].concat();
        self.folder.path().join(OsString::from_vec(name))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A string of TOML, every character of it escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect::<String>())
}

fn of_servers(address: &str, desk: &Desk) -> Vec<Call> {
    let about = ["--server", address, "--controller", SCHOOL, "--purpose", "security"];
    let search = [&["search"][..], &about].concat();
    let import = |format| ["import", "--server", address, "--controller", SCHOOL, "--format", format];
    let at = ["--server", address];
    let of = ["--server", address, "--controller", SCHOOL];
    let deciding = |command: &[&str], about: &[&str], further: &[&str]| {
        let words = [command, about, further].concat();
        [call(true, &words), call(true, &[&words[..], &["--json"]].concat())]
    };
    let id = "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f";
    let ground = ["--ground", "ticket 7"];
    let held = ["--subject", "pupil:p-204", "--kind", "case", "--owner", "legal", "--review", "2027-03-01"];
    let who = ["--to", "spiffe://schools.example/gradebook", "--for", "search", "--days", "7"];
    let decisions = [
        deciding(&["controller", "open"], &of, &[]),
        deciding(&["controller", "set"], &of, &[]),
        deciding(&["controller", "list"], &at, &[]),
        deciding(&["controller", "lone-approval"], &of, &["on"]),
        deciding(&["grant", "give"], &of, &[&who[..], &ground].concat()),
        deciding(&["grant", "list"], &about, &[]),
        deciding(&["grant", "end"], &of, &[&[id][..], &ground].concat()),
        deciding(&["incident", "declare"], &of, &[&["--hours", "7"][..], &ground].concat()),
        deciding(&["incident", "list"], &about, &[]),
        deciding(&["approval", "ask"], &of, &[&["erasure", "--concerning", "pupil:p-204"][..], &ground].concat()),
        deciding(&["approval", "agree"], &of, &[id]),
        deciding(&["approval", "list"], &about, &[]),
        deciding(&["notices"], &about, &[]),
        deciding(&["notices"], &of, &[]),
        deciding(&["retention", "show"], &of, &[]),
        deciding(&["retention", "preview"], &at, &[]),
        deciding(&["hold", "place"], &of, &[&held[..], &ground].concat()),
        deciding(&["hold", "list"], &about, &[]),
        deciding(&["hold", "review"], &of, &[&[id, "--until", "2027-08-31"][..], &ground].concat()),
        deciding(&["hold", "release"], &of, &[&[id][..], &ground].concat()),
        deciding(&["identity", "find"], &about, &["--name", "kowalska"]),
        deciding(&["identity", "deactivate"], &of, &[&["staff:t-17"][..], &ground].concat()),
        deciding(&["identity", "erase"], &of, &["staff:t-17", "--dry-run"]),
        deciding(
            &["identity", "erase"],
            &of,
            &[&["staff:t-17", "--ground-code", "objection", "--approval", id][..], &ground].concat(),
        ),
    ];
    // Tells no more than a number.
    let ended = [&["incident", "end"], &of[..], &[id], &ground].concat();
    let line = r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "x""#;
    let mut calls = vec![
        call(true, &search),
        call(true, &[&search[..], &["--json"]].concat()),
        call(true, &[&["export"][..], &about].concat()),
        call(true, &["status", "--server", address, "--controller", SCHOOL]),
        call(true, &["status", "--server", address, "--controller", SCHOOL, "--json"]),
        call(true, &import("combined")).with(&desk.file("access.log", line)),
        call(true, &[&import("combined")[..], &["--json"]].concat()).with(&desk.file("access.log", line)),
    ];
    calls.extend(decisions.into_iter().flatten());
    calls.extend([call(false, &ended), call(false, &[&ended[..], &["--json"]].concat())]);
    calls
}

fn of_files(address: &str, desk: &Desk, data: &Path) -> Vec<Call> {
    let bad = quoted(TEXT);
    let config = desk.file(
        "akta.toml",
        &format!(
            "data = {bad}\nauthority = {bad}\nzone = {bad}\nregion = {bad}\ncontrollers = [{bad}]\nlisten = {bad}\n\
             policy = {bad}\nguard = {bad}\n[[recipient]]\nname = {bad}\ncountry = {bad}\n"
        ),
    );
    let unknown = desk.file("unknown.toml", &format!("{bad} = {bad}\n"));
    let group = quoted(&format!("{MARK}\u{1b}[31m"));
    let policy = desk.file(
        "policy.toml",
        &format!(
            "[[issuer]]\nurl = \"https://login.example\"\naudience = {bad}\nalgorithms = [{bad}]\njwks_file = {bad}\n\
             [[person]]\nissuer = \"https://login.example\"\ngroup = {group}\ncontrollers = [\"*\", {bad}]\nroles = [{bad}]\n"
        ),
    );
    let policed = desk.file("policed.toml", &format!("policy = {}\n", quoted(policy.to_str().unwrap())));
    let jsonl = format!("{}\n", serde_json::json!({TEXT: TEXT, "action": TEXT}));
    let jsonl = desk.file("events.jsonl", &jsonl);
    let note = desk.file("checkpoint", &format!("{TEXT}\n7\nAAAA\n\n— {TEXT} AAAA\n"));
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let linked = desk.path("data");
    std::os::unix::fs::symlink(data, &linked).unwrap();
    let nowhere = desk.path("nowhere");
    vec![
        call(true, &["config", "check", "--config"]).with(&config),
        call(true, &["config", "check", "--json", "--config"]).with(&config),
        call(true, &["config", "check", "--config"]).with(&unknown),
        call(true, &["config", "check", "--config"]).with(&policed),
        call(true, &["config", "show", "--config"]).with(&config),
        call(true, &["config", "show", "--json", "--config"]).with(&config),
        call(true, &["config", "who-can", "search", "school-1", "--config"]).with(&policed),
        call(true, &["config", "who-can", "search", "school-1", "--config"]).with(&nowhere),
        call(true, &["serve", "--config"]).with(&config),
        call(true, &["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).with(&note),
        call(true, &["verify"]).with(&nowhere),
        call(false, &["verify", "--dev"]).with(&linked),
        call(true, &["verify", "--dev", "--vkey", vkey, "--checkpoint"]).with(&note).with(&linked),
        call(true, &["backup"]).with(&nowhere).with(&nowhere),
        call(true, &["restore", "--dev"]).with(&linked).with(Path::new("--copies")).with(&nowhere),
        call(true, &["restore", "--dev", "--history"])
            .with(&nowhere)
            .with(Path::new("--forgettable"))
            .with(&nowhere)
            .with(&nowhere),
        call(true, &["keys"]).with(&nowhere),
        call(false, &["keys", "--dev"]).with(&linked),
        call(true, &["keys", "--kek-file"]).with(&nowhere).with(&linked),
        call(true, &["keys", "rotate-kek", "--dev", "--old-kek-file"]).with(&nowhere).with(&linked),
        call(true, &["import", "--server", address, "--controller", SCHOOL, "--format", "jsonl"]).with(&jsonl),
        call(true, &["import", "--server", address, "--controller", SCHOOL, "--format", "jsonl"]).with(&nowhere),
        call(true, &["search", "--server"])
            .with(&nowhere)
            .with(Path::new("--controller=x"))
            .with(Path::new("--purpose=security")),
    ]
}

#[test]
fn nothing_that_a_terminal_obeys_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    Node::start(folder.path()).stop();
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    let calm = Hostile::start(Answers::Hostile);
    let refusing = Hostile::start(Answers::Refusals);
    let mut calls = of_servers(calm.address(), &desk);
    calls.extend(of_servers(refusing.address(), &desk));
    calls.extend(of_files(calm.address(), &desk, &data(folder.path())));
    let bad: Vec<String> = calls.iter().filter_map(Call::judged).collect();
    assert!(bad.is_empty(), "{} of {} calls:\n{}", bad.len(), calls.len(), bad.join("\n"));
    // Whoever adds a command adds calls of it. The demo shows its own data, the benchmark figures.
    let asked: BTreeSet<_> = calls.iter().map(|call| call.arguments[0].to_str().unwrap().to_owned()).collect();
    let known = commands().into_iter().filter(|name| !["demo", "bench", "help"].contains(&name.as_str()));
    assert_eq!(known.collect::<BTreeSet<_>>(), asked);
}

/// The commands, as the help lists them.
fn commands() -> BTreeSet<String> {
    let help = String::from_utf8(akta().arg("--help").output().unwrap().stdout).unwrap();
    let listed =
        help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| !line.is_empty());
    let name = |line: &str| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')).map(first_word);
    listed.filter_map(name).collect()
}

fn first_word(line: &str) -> String {
    line.split(' ').next().unwrap().to_owned()
}
