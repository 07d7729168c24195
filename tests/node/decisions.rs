//! Commands of what a controller decides, against a node to try out: what they print, and how they end; row by row.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::binary::{akta, shown};
use super::support::{Node, SCHOOL};

const GRANT: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073901";
const INCIDENT: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073902";
const APPROVAL: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073903";

/// A command, its exit status, and words of what it prints. Each follows from those before it.
type Row = (&'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("controller open --controller school-12 --zone Europe/Vilnius --public-body --group-only newsletter", 0,
        &["school-12 is open: akta.dev/school-12/", "Europe/Vilnius"]),
    ("controller open --controller school-12", 0, &["was open already, and stays as it is"]),
    ("controller open --controller school-12 --zone Europe/Warsaw", 3, &["another time zone"]),
    ("controller open --controller School", 3, &["controller: must be 1 to 63"]),
    ("controller open --controller node", 3, &["reserved"]),
    ("controller list", 0, &["CONTROLLER", "school-12", "Europe/Vilnius", "public body, groups only from newsletter"]),
    ("controller set --controller school-12 --register-keeper --foreign-purposes refuse", 0, &["school-12 is set: notice 2"]),
    ("controller set --controller school-12 --register-keeper --foreign-purposes refuse", 0, &["it was so already"]),
    ("controller list", 0, &["register keeper, refuses foreign purposes"]),
    ("controller lone-approval on --controller school-12", 0, &["may approve alone, after 48 hours: notice 3"]),
    ("controller lone-approval perhaps --controller school-12", 2, &["invalid value"]),

    ("grant give --controller school-12 --to uid:7 --for search,notices --ground case-9 --days 9 --id GRANT", 0,
        &["grant GRANT is given: notice 4"]),
    ("grant give --controller school-12 --to nobody --for search --ground x --days 9", 2, &["ISSUER#SUBJECT"]),
    ("grant give --controller school-12 --to uid:7 --for see --ground x --days 9", 2, &["is none of record"]),
    ("grant give --controller school-12 --to uid:7 --for search --ground x", 2, &["--until", "--days"]),
    ("grant give --controller school-12 --to uid:7 --for grant --ground x --days 9", 3, &["no other needs a grant"]),
    ("grant give --controller school-9 --to uid:7 --for search --ground x --days 9", 3, &["no such controller"]),
    ("grant list --controller school-12 --purpose security", 0, &["GRANT", "uid:7", "search notices", "holds", "case-9", "dev"]),
    ("grant list --controller school-12", 2, &["--purpose"]),
    ("grant end GRANT --controller school-12 --ground done", 0, &["grant GRANT is over: notice "]),
    ("grant end GRANT --controller school-12 --ground done", 0, &["it was so already"]),
    ("grant end INCIDENT --controller school-12 --ground done", 3, &["there is no such grant"]),
    ("grant list --controller school-12 --purpose security", 0, &["over"]),

    ("incident declare --ground leak --hours 72 --id INCIDENT", 0, &["it stands in the trails of 1 controllers"]),
    ("incident declare --ground leak --hours 169", 2, &["169"]),
    ("incident declare --ground leak --until 2200-01-01", 3, &["at most 7 days"]),
    ("incident list --controller school-12 --purpose incident-investigation", 0, &["INCIDENT", "holds", "leak"]),
    ("incident end INCIDENT --ground done", 0, &["ended now for 1 controllers"]),
    ("incident end INCIDENT --ground done", 0, &["ended now for 0 controllers"]),
    ("incident end GRANT --ground done", 3, &["there is no such incident"]),

    ("approval ask reidentification --controller school-12 --concerning x --ground case-9 --id APPROVAL", 0,
        &["approval APPROVAL is asked for, waits until"]),
    ("approval ask riddance --controller school-12 --concerning x --ground y", 2, &["erasure", "name-override"]),
    ("approval agree APPROVAL --controller school-12", 3, &["whoever asked cannot agree"]),
    ("approval object APPROVAL --controller school-12 --ground not-needed", 0, &["you object to approval APPROVAL, refused"]),
    ("approval agree APPROVAL --controller school-12", 3, &["another must"]),
    ("approval list --controller school-12 --purpose subject-rights", 0, &["APPROVAL", "reidentification", "refused", "case-9"]),

    ("notices --controller school-12", 0, &["opened", "lone approval set", "granted", "incident declared", "act ended", "approval asked"]),
    ("notices --controller school-12 --purpose security", 0, &["case-9", "uid:7", "leak", "dev", "not-needed"]),
    ("notices --controller school-9", 3, &["no such controller"]),
    ("notices --controller node", 0, &["keyring opened"]),
    ("search --controller school-12 --purpose security --class log-access", 0, &["LOG_QUERY", "LOG_EXPORT"]),
];

fn order(node: &Node, words: &str) -> std::process::Output {
    let words = words.replace("GRANT", GRANT).replace("INCIDENT", INCIDENT).replace("APPROVAL", APPROVAL);
    akta().args(words.split(' ')).env("AKTA_SERVER", node.address()).output().unwrap()
}

#[test]
fn what_is_decided_on_the_command_line_is_recorded_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    for (words, status, phrases) in ROWS {
        let output = order(&node, words);
        let told = shown(&output);
        assert_eq!(output.status.code(), Some(*status), "{words}: {told}");
        for phrase in *phrases {
            let phrase = phrase.replace("GRANT", GRANT).replace("INCIDENT", INCIDENT).replace("APPROVAL", APPROVAL);
            assert!(told.contains(&phrase), "{words}: no {phrase:?} in {told}");
        }
    }
    // Without a purpose a notice names nobody and gives no reason.
    let clear = shown(&order(&node, "notices --controller school-12 --json"));
    assert!(!clear.contains("case-9") && !clear.contains("uid:7") && !clear.contains("slices"), "{clear}");
    for (words, keys) in [
        ("controller list --json", &["controller", "zone", "lone_approval", "public_body"][..]),
        ("grant list --controller school-12 --purpose security --json", &["id", "to", "permissions", "until", "by"]),
        ("incident list --controller school-12 --purpose security --json", &["id", "ground", "until", "now"]),
        ("approval list --controller school-12 --purpose security --json", &["id", "deed", "standing", "objected"]),
        ("notices --controller school-12 --purpose security --json", &["seq", "notice", "says"]),
        ("incident declare --ground again --hours 1 --json", &["id", "controllers", "until"]),
        (
            "approval ask erasure --controller school-12 --concerning x:y --ground z --json",
            &["id", "changed", "notice"],
        ),
    ] {
        let output = order(&node, words);
        assert!(output.status.success(), "{words}: {}", shown(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().count() > 0, "{words}");
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            for key in keys {
                assert!(row.get(key).is_some(), "{words}: no {key} in {row}");
            }
        }
    }
    node.stop();
    let report = super::support::verified(folder.path());
    assert!(report["trails"][0]["origin"].as_str().unwrap().contains(SCHOOL), "{report}");
}
