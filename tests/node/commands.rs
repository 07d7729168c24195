//! Commands of the binary that hand out and explain: export, keys, config; and the help of all of them.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use akta::grpc::api::{EventFilter, GetCheckpointRequest, SearchEventsRequest};
use akta::model::checkpoint::Checkpoint;
use akta::model::proof::verify_consistency;
use akta::model::tree::{Frontier, Hash, leaf_hash};
use serde_json::{Value, json};

use super::binary::{akta, shown};
use super::support::{Node, SCHOOL, data, everything, run};

/// Events that the exported trail holds: more than one page.
const EVENTS: u64 = 1_234;

#[test]
fn help_names_every_argument() {
    let rows: [(&[&str], &[&str]); 37] = [
        (&["retention"], &["preview", "run"]),
        (&["retention", "preview"], &["--until", "--controller", "--json", "Permission: list", "7 years"]),
        (
            &["retention", "run"],
            &["DIR", "--confirm", "--dry-run", "--yes", "--json", "45 days", "--kek-file", "--guard", "purge"],
        ),
        (&["serve"], &["--days-ahead", "--dev", "--data", "--listen", "--config", "--kek-file"]),
        (
            &["search"],
            &[
                "--controller",
                "--purpose",
                "--subject",
                "--actor",
                "--ip",
                "--since",
                "--all",
                "--json",
                "--include-restricted",
            ],
        ),
        (&["export"], &["--controller", "--purpose", "--purpose-text", "--since", "--until", "--output", "openings"]),
        (&["import"], &["--controller", "--format", "--rebase-to", "--file", "jsonl", "combined", "occurred_at"]),
        (&["keys", "rotate-kek"], &["DIR", "--kek-file", "--old-kek-file", "--kek-kms-file", "SIGHUP", "destroy"]),
        (&["keys"], &["DIR", "--guard", "--dev", "--kek-file", "--json", "new-kek", "NAME+ID+KEY"]),
        (&["status"], &["--server", "--controller", "--json", "exit 0"]),
        (&["config"], &["check", "show", "example", "who-can"]),
        (&["config", "who-can"], &["PERMISSION", "CONTROLLER", "--config", "--at", "--json", "reidentify", "Exit 0"]),
        (&["config", "who-can"], &["--server", "--purpose", "--token-file", "grants and incidents"]),
        (&["controller"], &["open", "set", "list", "lone-approval", "close"]),
        (&["controller", "open"], &["--zone", "--public-body", "--register-keeper", "--group-only", "role steward"]),
        (&["controller", "set"], &["--foreign-purposes", "flag", "refuse"]),
        (&["controller", "list"], &["--server", "--json", "leaves no record"]),
        (&["controller", "lone-approval"], &["48 hours", "role contact", "ON|OFF"]),
        (&["controller", "close"], &["--export", "--certificate", "--dry-run", "--approval", "approval ask erasure"]),
        (&["grant"], &["give", "end", "list", "every read by it names it"]),
        (
            &["grant", "give"],
            &["--to", "--for", "--ground", "--until", "--days", "--yes", "ISSUER#SUBJECT", "366 days"],
        ),
        (&["grant", "end"], &["ID", "--ground"]),
        (&["incident", "declare"], &["--controller", "--hours", "--until", "--yes", "7 days", "All of them are told"]),
        (&["incident", "end"], &["--controller", "--ground"]),
        (&["approval"], &["ask", "agree", "object", "list", "30 days"]),
        (&["approval", "ask"], &["erasure", "reidentification", "name-override", "--concerning", "--approval ID"]),
        (&["approval", "agree"], &["ID", "own token"]),
        (&["identity"], &["find", "deactivate", "erase", "restrict", "lift", "names nobody"]),
        (&["identity", "find"], &["NS:ID", "--name", "--email", "--purpose", "--json", "not in an incident"]),
        (&["identity", "deactivate"], &["NS:ID", "--on", "--ground", "--yes", "90 days", "Permission: erase"]),
        (
            &["identity", "erase"],
            &["--ground-code", "--ground", "--approval", "--dry-run", "--yes", "contract-ended", "24 hours"],
        ),
        (&["identity", "restrict"], &["--ground", "--yes", "--json", "--include-restricted", "art. 18"]),
        (&["identity", "lift"], &["--ground", "--yes", "--json"]),
        (&["notices"], &["--purpose", "--json", "names nobody"]),
        (&["config", "check"], &["--config", "--data", "--listen", "--dev", "--kek-file", "--json"]),
        (&["config", "show"], &["--config", "--json", "secrets"]),
        (&["verify"], &["DIR", "--dev", "--json"]),
    ];
    for (command, words) in rows {
        let output = akta().args(command).arg("--help").output().unwrap();
        assert!(output.status.success(), "{}", shown(&output));
        let help = String::from_utf8(output.stdout).unwrap();
        for word in words {
            assert!(help.contains(word), "akta {command:?} --help does not name {word}:\n{help}");
        }
        let usage = akta().args(command).arg("--no-such-flag").output().unwrap();
        assert_eq!(usage.status.code(), Some(2), "{}", shown(&usage));
    }
}

#[test]
fn the_example_configuration_is_good_with_a_fresh_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("akta.toml");
    let example = akta().args(["config", "example"]).output().unwrap();
    std::fs::write(&file, &example.stdout).unwrap();
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let output = akta().args(["keys", "new-kek"]).env("AKTA_KEK_FILE", "/nowhere").output().unwrap();
            assert!(output.status.success(), "{}", shown(&output));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        })
        .collect();
    assert_ne!(keys[0], keys[1]);

    let config = |what: &str, kek: Option<&str>| {
        let mut command = akta();
        command.args(["config", what, "--json", "--config"]).arg(&file);
        kek.map(|kek| command.env("AKTA_KEK", kek));
        command.output().unwrap()
    };
    let good = config("check", Some(&keys[0]));
    assert_eq!(good.status.code(), Some(0), "{}", shown(&good));
    let without = config("check", None);
    assert_eq!(without.status.code(), Some(1), "{}", shown(&without));
    let report: Value = serde_json::from_slice(&without.stdout).unwrap();
    assert!(report["problems"][0].as_str().unwrap().contains("akta keys new-kek"), "{report}");

    let shows = config("show", Some(&keys[0]));
    assert!(shows.status.success() && !shown(&shows).contains(&keys[0]), "{}", shown(&shows));
    let rows: Vec<Value> = lines(&shows.stdout);
    let from = |name: &str| rows.iter().find(|row| row["setting"] == name).unwrap()["from"].clone();
    assert_eq!([from("config"), from("data"), from("kek")], ["flag --config", "file", "variable AKTA_KEK"]);
}

/// The files of examples/two-schools, as an operator would ask them.
#[test]
fn who_can_tells_by_which_table_and_grant_and_until_when() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/two-schools/akta.toml");
    let ask = |words: &[&str]| {
        akta()
            .args(["config", "who-can"])
            .args(words)
            .args(["--at", "2026-11-22", "--config"])
            .arg(&config)
            .output()
            .unwrap()
    };
    let text = ask(&["search", "school-1"]);
    assert!(text.status.success(), "{}", shown(&text));
    let table: Vec<Vec<String>> = String::from_utf8(text.stdout.clone()).unwrap().lines().map(cells).collect();
    let [anna, head] = ["#anna", "#headmaster-1"]
        .map(|who| table.iter().find(|row| row[0].contains(who)).unwrap_or_else(|| panic!("{who}: {}", shown(&text))));
    assert_eq!(anna[1..3], ["controller", "contact"]);
    assert_eq!(head[1..3], ["controller", "auditor"]);
    // Who was let in stands in the trail, which was not asked.
    let rest = shown(&text);
    assert!(rest.contains("only if school-1 grants it: person, line ") && !rest.contains("group security"), "{rest}");
    assert!(rest.contains("were not asked for: add --server ADDRESS"), "{rest}");
    let other = ask(&["search", "school-2"]);
    assert!(shown(&other).contains("only if school-2 grants it: person, line "), "{}", shown(&other));
    assert!(!shown(&other).contains("anna"), "{}", shown(&other));
    let rows = lines(&ask(&["search", "school-1", "--json"]).stdout);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["through"] == "entry"), "{rows:?}");
    let nobody = ask(&["approve", "school-2"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", shown(&nobody));
    assert!(shown(&nobody).contains("nobody may approve for school-2"), "{}", shown(&nobody));
    let usage = ask(&["administer", "school-1"]);
    assert_eq!(usage.status.code(), Some(2), "{}", shown(&usage));
    assert!(shown(&usage).contains("is none of record, import, search"), "{}", shown(&usage));
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("akta.toml");
    std::fs::write(&bare, "").unwrap();
    let named = format!("controllers = [\"school-1\"]\npolicy = {:?}\n", config.with_file_name("policy.toml"));
    std::fs::write(&bare, named).unwrap();
    let unknown = akta().args(["config", "who-can", "operate", "school-3", "--config"]).arg(&bare).output().unwrap();
    assert!(shown(&unknown).contains("school-3 is not among the controllers"), "{}", shown(&unknown));
    std::fs::write(&bare, "").unwrap();
    let unset = akta().args(["config", "who-can", "search", "a", "--config"]).arg(&bare).output().unwrap();
    assert!(unset.status.code() == Some(3) && shown(&unset).contains("no policy is set"), "{}", shown(&unset));
}

/// The same, with what the schools have decided, as their trails tell it.
#[test]
fn who_can_asks_the_trail_for_grants_and_incidents() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/two-schools/akta.toml");
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let [grant, incident] = ["0198c3b2-0000-7cc3-98c4-dc0c0c073901", "0198c3b2-0000-7cc3-98c4-dc0c0c073902"];
    let security = "group security of https://login.vendor.example";
    for words in [
        &["controller", "open", "--controller", "school-1"][..],
        &["controller", "open", "--controller", "school-2"],
        &[
            "grant",
            "give",
            "--controller",
            "school-1",
            "--to",
            security,
            "--for",
            "search",
            "--ground",
            "g",
            "--days",
            "9",
            "--id",
            grant,
        ],
        &["incident", "declare", "--ground", "g", "--hours", "72", "--id", incident],
    ] {
        let output = akta().args(words).env("AKTA_SERVER", node.address()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", shown(&output));
    }
    let ask = |words: &[&str]| {
        let mut command = akta();
        command.args(["config", "who-can"]).args(words).arg("--config").arg(&config);
        command.args(["--server", node.address(), "--purpose", "security"]).output().unwrap()
    };
    for (of, through, names) in
        [("school-1", format!("grant {grant}"), true), ("school-2", format!("incident {incident}"), false)]
    {
        let output = ask(&["search", of]);
        let table: Vec<Vec<String>> = String::from_utf8(output.stdout.clone()).unwrap().lines().map(cells).collect();
        let row = table.iter().find(|row| row[0] == security).unwrap_or_else(|| panic!("{of}: {}", shown(&output)));
        assert_eq!(
            (row[1].as_str(), row[2].as_str(), &row[4]),
            ("processor", "security", &through),
            "{}",
            shown(&output)
        );
        assert_ne!(shown(&output).contains("in an incident: without names"), names, "{}", shown(&output));
        assert!(!shown(&output).contains("were not asked for"), "{}", shown(&output));
        let rows = lines(&ask(&["search", of, "--json"]).stdout);
        let lease = rows.iter().find(|row| row["through"] != "entry").unwrap();
        assert_eq!(lease["names"], json!(names), "{lease}");
    }
    let unknown = ask(&["search", "school-9"]);
    assert!(unknown.status.code() == Some(3) && shown(&unknown).contains("no such controller"), "{}", shown(&unknown));
    let usage =
        akta().args(["config", "who-can", "search", "a", "--server", "x", "--config"]).arg(&config).output().unwrap();
    assert!(usage.status.code() == Some(2) && shown(&usage).contains("--purpose"), "{}", shown(&usage));
    node.stop();
}

/// The cells of a row of a table: two spaces or more between them.
fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_policy_is_checked_with_the_configuration_and_before_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let example = akta().args(["config", "example", "--policy"]).output().unwrap();
    let policy = String::from_utf8(example.stdout).unwrap();
    let config = folder.path().join("akta.toml");
    let data = folder.path().join("data");
    let text = format!(
        "data = {data:?}\nlisten = \"unix:{}\"\nauthority = \"a\"\ncontrollers = [\"school-1\", \"school-2\"]\n\
         policy = \"policy.toml\"\n",
        folder.path().join("socket").display()
    );
    std::fs::write(&config, text).unwrap();
    let key = akta().args(["keys", "new-kek"]).output().unwrap();
    let key = String::from_utf8(key.stdout).unwrap();
    let run =
        |words: &[&str]| akta().args(words).arg("--config").arg(&config).env("AKTA_KEK", key.trim()).output().unwrap();
    let missing = run(&["config", "check"]);
    assert!(missing.status.code() == Some(1) && shown(&missing).contains("policy.toml: "), "{}", shown(&missing));
    std::fs::write(folder.path().join("policy.toml"), &policy).unwrap();
    let good = run(&["config", "check", "--json"]);
    assert!(good.status.success(), "{}", shown(&good));
    let shows = run(&["config", "show"]);
    assert!(shown(&shows).contains("policy.toml"), "{}", shown(&shows));
    // Only one thing is said of each wrong table, by both commands, and never what stood there.
    let bad = policy.replace("\"dpo-school-2\"", "\"zq-secret\\u0007\"").replace("[\"steward\"]", "[\"zq-secret\"]");
    std::fs::write(folder.path().join("policy.toml"), bad).unwrap();
    for (words, status) in [(&["config", "check"][..], 1), (&["serve"], 3)] {
        let refused = run(words);
        assert_eq!(refused.status.code(), Some(status), "{}", shown(&refused));
        for phrase in ["person.group: has control characters", "person.roles[0]: is none of ingest"] {
            assert!(shown(&refused).contains(phrase), "{phrase}: {}", shown(&refused));
        }
        assert!(!shown(&refused).contains("zq-secret"), "{}", shown(&refused));
    }
    assert!(!data.exists(), "it did not get as far as the data");
}

#[test]
fn keys_are_counted_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    import(&node, 1);
    let keys = |flags: &[&str]| akta().arg("keys").arg(data(folder.path())).args(flags).output().unwrap();
    // Beside the running node, once its guard knows the trail.
    let asked = GetCheckpointRequest { controller: SCHOOL.to_owned(), at_least: 2, origin: String::new() };
    let signed = run(async { node.client().await.evidence.get_checkpoint(asked).await.unwrap().into_inner() });
    let (text, json) = (keys(&["--dev"]), keys(&["--dev", "--json"]));
    assert!(text.status.success() && json.status.success(), "{}{}", shown(&text), shown(&json));
    let inventory: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(inventory["vault_buckets"], json!({"keys": 4_096, "destroyed": 0}));
    assert_eq!([&inventory["dev"], &inventory["zones"][0]["zone"]], [&json!(true), &json!("Europe/Warsaw")]);
    // Seven years of days.
    assert!(inventory["zones"][0]["keys"].as_u64().unwrap() > 2_550, "{inventory}");
    // The key that the running node signs with; its origin is its name.
    let vkeys: Vec<&Value> = inventory["verification_keys"].as_array().unwrap().iter().collect();
    let mine = vkeys.iter().find(|vkey| vkey["verification_key"] == signed.verification_key.as_str()).unwrap();
    assert!(signed.checkpoint.starts_with(mine["origin"].as_str().unwrap()), "{mine}");
    assert!(vkeys.iter().any(|vkey| vkey["origin"].as_str().unwrap().contains("/node/")), "{inventory}");
    assert!(shown(&text).contains(&format!("\n{}\n", signed.verification_key)), "{}", shown(&text));
    for output in [text, json] {
        let public = vkeys.iter().map(|vkey| vkey["verification_key"].as_str().unwrap());
        let shown = public.fold(shown(&output), |shown, vkey| shown.replace(vkey, ""));
        let longest = shown.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap();
        assert!(longest < 20, "something as long as a piece of a key: {shown}");
    }
    let refused = keys(&[]);
    assert_eq!(refused.status.code(), Some(3), "without a key nothing opens: {}", shown(&refused));
    let nowhere = akta().args(["keys", "--dev"]).arg(folder.path()).output().unwrap();
    assert!(nowhere.status.code() == Some(3) && shown(&nowhere).contains("it has no keyring"), "{}", shown(&nowhere));
    node.stop();
}

#[test]
fn status_tells_of_services_start_and_trails() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    import(&node, 1);
    let asked = GetCheckpointRequest { controller: SCHOOL.to_owned(), at_least: 2, origin: String::new() };
    run(async { node.client().await.evidence.get_checkpoint(asked).await.unwrap() });
    let status = |flags: &[&str]| akta().args(["status", "--server", node.address()]).args(flags).output().unwrap();
    let text = status(&["--controller", SCHOOL]);
    assert!(text.status.success(), "{}", shown(&text));
    for phrase in
        ["akta.v1.IngestService      SERVING", "answered in", "/node/", "made with --dev", "2 records guarded"]
    {
        assert!(shown(&text).contains(phrase), "{phrase}: {}", shown(&text));
    }
    let json = status(&["--controller", SCHOOL, "--controller", "nobody", "--json"]);
    assert_eq!(json.status.code(), Some(1), "a trail that was named and is not there: {}", shown(&json));
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    let services = found["services"].as_object().unwrap();
    assert!(services.len() == 6 && services.values().all(|status| status == "SERVING"), "{found}");
    assert_eq!([&found["node"]["keyring_generation"], &found["node"]["dev"]], [&json!(1), &json!(true)]);
    let started = found["node"]["started_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(jiff::Timestamp::now().as_second() - started.as_second() < 120, "{found}");
    assert_eq!([&found["trails"][0]["size"], &found["trails"][1]["controller"]], [&json!(2), &json!("nobody")]);
    assert!(found["trails"][1]["error"].as_str().unwrap().contains("no such controller"), "{found}");
    let address = node.address().to_owned();
    node.stop();
    let nobody = akta().args(["status", "--server", &address]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(3), "{}", shown(&nobody));
}

#[test]
fn an_export_is_complete_and_recomputes_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    import(&node, EVENTS);
    let file = folder.path().join("out.jsonl");
    let output = export(&node, &["--output", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", shown(&output));
    assert!(shown(&output).contains("complete, no position is missing"), "{}", shown(&output));

    let mut rows = lines(&std::fs::read(&file).unwrap());
    let end = rows.pop().unwrap()["end"].clone();
    let checkpoint = rows.pop().unwrap()["checkpoint"].clone();
    assert_eq!(
        [&end["size"], &end["records"], &end["complete"]],
        [&json!(EVENTS + 1), &json!(EVENTS + 1), &json!(true)]
    );
    let origin = end["origin"].as_str().unwrap();
    let mut link = blake3::derive_key("akta v1 trail origin", origin.as_bytes());
    for (seq, row) in rows.iter().enumerate() {
        assert_eq!([&row["seq"], &row["origin"]], [&json!(seq), &end["origin"]]);
        let groups = groups(row, &unhex(&row["header"]), &mut link);
        assert!(groups > 0, "record {seq} has nothing to recompute: {row}");
    }
    assert_eq!(rows.len() as u64, EVENTS + 1);
    continued(&checkpoint, &rows);
    assert_eq!(unhex(&end["head"]), link);
    assert_eq!([&rows[0]["notice_kind"], &rows[0]["notice"]], [&json!("opened"), &rows[0]["openings"][0]["content"]]);
    assert_eq!(rows[1]["subjects"][0]["id"], "p-0", "names are led back as a search does");
    assert!(rows.iter().skip(1).all(|row| row["notice"].is_null() && row["action"] == "READ"));

    // The export was recorded, one question a page; a second one holds these questions as well.
    let again = lines(&export(&node, &[]).stdout);
    let (end, questions) = again[rows.len()..].split_last().unwrap();
    let (_, questions) = questions.split_last().unwrap();
    assert_eq!(end["end"]["records"], json!(rows.len() + questions.len()));
    assert!(questions.len() >= 2, "one page cannot hold them all: {}", questions.len());
    for question in questions {
        let text = question.to_string();
        assert!(text.contains("LOG_EXPORT") && text.contains("everything,with_openings,with_notices"), "{text}");
    }
    // By time it is a part of the trail, and says so.
    let later = lines(&export(&node, &["--since", "2100-01-01"]).stdout);
    assert_eq!([&later[0]["end"]["records"], &later[0]["end"]["complete"]], [&json!(0), &json!(false)]);
    // Without being asked, rows hold no openings, and no notices.
    let (rows, filtered) = run(async {
        let mut client = node.client().await;
        let filter = Some(EventFilter { ip: "192.0.2.7".to_owned(), ..EventFilter::default() });
        let bad = SearchEventsRequest { filter, with_notices: true, ..everything() };
        (client.search(everything()).await.unwrap().0, client.search(bad).await.unwrap_err())
    });
    assert!(rows.iter().all(|row| row.openings.is_empty() && row.notice.is_empty() && !row.header.is_empty()));
    assert!(filtered.message().contains("with_notices: goes with an empty filter only"), "{filtered}");

    let nowhere = export(&node, &["--output", folder.path().join("none/out").to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(3), "{}", shown(&nowhere));
    node.stop();
}

/// Checks the header's link and each group's commitment (docs/format.md); how many groups there are.
fn groups(row: &Value, header: &[u8], link: &mut [u8; 32]) -> usize {
    let seq = &row["seq"];
    assert_eq!(header[16..48], *link, "record {seq} does not follow the one before");
    *link = blake3::derive_key("akta v1 record link", header);
    assert_eq!(unhex(&row["link"]), *link, "record {seq}");
    assert_eq!(header.len(), 49 + 37 * usize::from(header[48]), "record {seq}");
    let openings = row["openings"].as_array().unwrap();
    for group in header[49..].chunks(37) {
        let mut hashes = Vec::new();
        for opening in openings {
            let names = ["CORE", "ACTOR", "SUBJECT", "NET", "SESSION", "DETAIL"];
            let part = u8::try_from(names.iter().position(|name| opening["part"] == *name).unwrap()).unwrap();
            if group[4] & (1 << part) == 0 {
                continue;
            }
            let index = u16::try_from(opening["index"].as_u64().unwrap()).unwrap().to_be_bytes();
            let key = [part, index[0], index[1]];
            let bytes = [unhex(&opening["salt"]).as_slice(), &key, &unhex(&opening["content"])].concat();
            hashes.extend(key);
            hashes.extend(blake3::derive_key("akta v1 part", &bytes));
        }
        assert_eq!(blake3::derive_key("akta v1 group", &hashes), group[5..], "a group of record {seq}");
    }
    header[49..].len() / 37
}

/// Imports that many events from standard input.
fn import(node: &Node, events: u64) {
    let hour = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 3_600).unwrap();
    let mut command = akta();
    command.args(["import", "--format", "jsonl", "--controller", SCHOOL, "--server", node.address(), "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..events {
        let line = json!({"occurred_at": hour.to_string(), "actor": "staff:t-1", "actor_kind": "human", "action": "read",
            "outcome": "success", "purpose": "teaching", "subjects": [format!("pupil:p-{number}"), "pupil:twin"],
            "categories": ["attendance"], "ip": "192.0.2.7", "session": {"id": "s"}, "resource": {"id": "r"}});
        writeln!(stdin, "{line}").unwrap();
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

fn export(node: &Node, flags: &[&str]) -> std::process::Output {
    let mut command = akta();
    command.args(["export", "--purpose", "security", "--controller", SCHOOL, "--server", node.address()]);
    command.args(flags).current_dir(Path::new("/")).output().unwrap()
}

/// The signed checkpoint continues the tree over the exported headers.
fn continued(checkpoint: &Value, rows: &[Value]) {
    let mut tree = Frontier::default();
    rows.iter().for_each(|row| tree.append(leaf_hash(&unhex(&row["header"])), |_, _, _| ()));
    let vkey = checkpoint["verification_key"].as_str().unwrap().parse().unwrap();
    let signed = Checkpoint::open(checkpoint["note"].as_str().unwrap().as_bytes(), &vkey).unwrap();
    let hashes = checkpoint["consistency"]["hashes"].as_array().unwrap().iter();
    let hashes: Vec<Hash> = hashes.map(|hash| Hash::from_slice(&unhex(hash)).unwrap()).collect();
    verify_consistency(tree.size(), &tree.root(), signed.size, &signed.root, &hashes).unwrap();
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()).collect()
}
