//! How long records live, chosen over the API and on the command line: shown, checked, refused beyond the bounds, in force
//! for what comes next.
#![allow(clippy::unwrap_used)]

use akta::client::Client;
use akta::grpc::api::{Event, SetRetentionRequest};
use akta::model::stored::{ChosenLifetime, ChosenLifetimes, RetentionClass, chosen_lifetime::Length};
use serde_json::Value;
use tonic::Code;

use super::binary::{akta, shown};
use super::calls::year;
use super::support::{Events, Node, run, verified};

const SCHOOL: &str = "school-12";
const GOOD: &str = "[access]\ncore = \"12 months\"\nnet = \"6 months\"\n[disclosure]\ncore = \"72 months\"\n";
const BAD: &str = "[access]\ncore = \"25 months\"\n[register]\ncore = \"12 months\"\n[session]\nsession = \"8 days\"\n";

/// A command, its exit status, and words of what it prints. Each follows from those before it.
type Row = (&'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("check GOOD", 0, &["good, other lifetimes than the policy's for 2 classes"]),
    ("check GOOD --public-body", 1, &["access.core: may be 24 months to 24 months for a public body", "KRI"]),
    ("check BAD", 1, &["access.core: may be 6 months to 24 months", "register.core: is fixed at 5 years after the school year by law", "MEN regulation", "session.session: may be 1 day to 7 days"]),
    ("check NONE", 3, &["none.toml: No such file"]),
    ("show --controller school-12", 0, &["school-12: policy default-1\n", "ACCESS", "24 months", "6 months to 24 months", "5 years after the school year", "fixed by law", "Accounting Act art. 74"]),
    ("show --controller school-9", 3, &["no such controller"]),
    ("diff GOOD --controller school-12", 1, &["ACCESS", "core", "24 months", "12 months", "DISCLOSURE", "72 months"]),
    ("diff BAD --controller school-12", 1, &["access.core: may be"]),
    ("set BAD --controller school-12 --ground resolution-7", 1, &["access.core: may be"]),
    ("set GOOD --controller school-12", 2, &["--ground"]),
    ("set GOOD --controller school-12 --ground resolution-7 --dry-run", 0, &["ACCESS", "6 months", "nothing was set, it would be policy default-1+1"]),
    ("diff GOOD --controller school-12", 1, &["12 months"]),
    ("set GOOD --controller school-12 --ground resolution-7", 0, &["school-12 has policy default-1+1: notice 2 of akta.dev/school-12/"]),
    ("set GOOD --controller school-12 --ground resolution-7", 0, &["school-12 has policy default-1+1: it was so already, nothing was recorded"]),
    ("diff GOOD --controller school-12", 0, &["as in force, policy default-1+1"]),
    ("show --controller school-12", 0, &["policy default-1+1\n", "12 months", "chosen"]),
    ("set EMPTY --controller school-12 --ground the-policy-again --dry-run", 0, &["would be policy default-1+2", "24 months"]),
];

#[test]
fn lifetimes_are_chosen_on_the_command_line_and_hold_for_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("good.toml", GOOD), ("bad.toml", BAD), ("empty.toml", "")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let order = |node: &Node, words: &str| {
        let mut command = akta();
        command.arg("retention").env("AKTA_SERVER", node.address()).current_dir(folder.path());
        let files = [("GOOD", "good.toml"), ("BAD", "bad.toml"), ("EMPTY", "empty.toml"), ("NONE", "none.toml")];
        let named = |word: &str| {
            files.iter().find(|(name, _)| *name == word).map_or(word.to_owned(), |(_, file)| (*file).to_owned())
        };
        command.args(words.split(' ').map(named)).output().unwrap()
    };
    let node = Node::start(folder.path());
    let mut events = Events::of(1);
    let read = |events: &mut Events| Event { controller: SCHOOL.to_owned(), ..events.read() };
    run(async { node.client().await.record(read(&mut events)).await.unwrap() });
    for (words, status, phrases) in ROWS {
        let output = order(&node, words);
        let told = shown(&output);
        assert_eq!(output.status.code(), Some(*status), "{words}: {told}");
        for phrase in *phrases {
            assert!(told.contains(phrase), "{words}: no {phrase:?} in {told}");
        }
    }
    let json = |words: &str| -> Vec<Value> {
        let output = order(&node, words);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", shown(&output)))).collect()
    };
    let classes = json("show --controller school-12 --json");
    assert_eq!(classes.len(), 8);
    let access = classes.iter().find(|class| class["class"] == "ACCESS").unwrap();
    assert_eq!((&access["policy_version"], &access["chosen"]), (&"default-1+1".into(), &true.into()));
    assert_eq!(access["parts"][1]["lifetime"], "6 months");
    assert_eq!(access["parts"][1]["policy_lifetime"], "24 months");
    assert_eq!(json("check BAD --json")[0]["findings"].as_array().unwrap().len(), 3);
    assert_eq!(json("diff GOOD --controller school-12 --json")[0]["changes"], serde_json::json!([]));

    // Who and why are sealed; the lifetimes are not.
    let notices =
        akta().args(["notices", "--controller", SCHOOL, "--json"]).env("AKTA_SERVER", node.address()).output().unwrap();
    let told = shown(&notices);
    assert!(told.contains("retention_chosen") && told.contains("access.core=12 months"), "{told}");
    assert!(!told.contains("resolution-7"), "{told}");
    // It holds for what comes next, also after a restart; what was recorded keeps its dates.
    run(async { node.client().await.record(read(&mut events)).await.unwrap() });
    node.stop();
    let node = Node::start(folder.path());
    run(async { node.client().await.record(read(&mut events)).await.unwrap() });
    let search = ["search", "--controller", SCHOOL, "--purpose", "security", "--class", "access", "--json"];
    let found = akta().args(search).env("AKTA_SERVER", node.address()).output().unwrap();
    let rows = String::from_utf8(found.stdout.clone()).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3, "{}", shown(&found));
    node.stop();
    verified(folder.path());
}

/// A lifetime of a class, as the API says it.
fn chosen(class: RetentionClass, core: Option<Length>, net: Option<Length>) -> ChosenLifetimes {
    let lifetime = |length| ChosenLifetime { length: Some(length) };
    ChosenLifetimes {
        retention_class: class.into(),
        core: core.map(lifetime),
        net: net.map(lifetime),
        ..Default::default()
    }
}

#[test]
fn what_is_beyond_the_bounds_is_refused_by_field_limit_and_source() {
    use Length::{Days, Months};
    use RetentionClass as C;
    let rows: Vec<(Vec<ChosenLifetimes>, &str, &[&str])> = vec![
        (
            vec![chosen(C::Access, Some(Months(25)), None)],
            "x",
            &["choices: ", "access.core: may be 6 months to 24 months", "CNIL"],
        ),
        (vec![chosen(C::Access, None, Some(Months(25)))], "x", &["access.net: may be 6 months to 24 months"]),
        (vec![chosen(C::Access, Some(Days(300)), None)], "x", &["access.core: may be 6 months"]),
        (
            vec![chosen(C::Disclosure, Some(Months(73)), None)],
            "x",
            &["disclosure.core: may be 24 months to 72 months", "art. 118"],
        ),
        (
            vec![chosen(C::Register, Some(Months(12)), None)],
            "x",
            &["register.core: is fixed at 5 years after the school year by law"],
        ),
        (vec![chosen(C::Evidence, None, Some(Months(12)))], "x", &["choices[0].net: is not kept in this class"]),
        (vec![chosen(C::Ledger, Some(Months(12)), None)], "x", &["choices[0].core: is of notices"]),
        (
            vec![chosen(C::Unspecified, None, None)],
            "x",
            &["choices[0].retention_class: is none that this version knows"],
        ),
        (vec![chosen(C::Access, Some(Months(0)), None)], "x", &["choices[0].core: must be 1 to 65,535"]),
        (vec![chosen(C::Access, Some(Months(u32::MAX)), None)], "x", &["choices[0].core: must be 1 to 65,535"]),
        (vec![year(), year()], "x", &["choices[1].retention_class: is there twice"]),
        (vec![year(); 1_000], "x", &["choices: has more entries than there are classes"]),
        (vec![year()], "", &["ground: is required"]),
        (vec![chosen(C::Disclosure, Some(Months(36)), None)], "", &["ground: is required"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let mut client: Client = node.client().await;
        client.record(Event { controller: SCHOOL.to_owned(), ..Events::of(2).read() }).await.unwrap();
        for dry_run in [true, false] {
            for (choices, ground, says) in &rows {
                let (controller, ground) = (SCHOOL.to_owned(), (*ground).to_owned());
                let request = SetRetentionRequest { controller, choices: choices.clone(), ground, dry_run };
                let refused = client.retention.set_retention(request).await.unwrap_err();
                assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
                for phrase in *says {
                    assert!(refused.message().contains(phrase), "{phrase}: {}", refused.message());
                }
            }
        }
        for controller in ["school-9", "node"] {
            let (controller, ground) = (controller.to_owned(), "x".to_owned());
            let request = SetRetentionRequest { controller, choices: vec![year()], ground, dry_run: true };
            client.retention.set_retention(request).await.unwrap_err();
        }
    });
    node.stop();
    assert_eq!(verified(folder.path())["trails"][0]["notices"], 1, "nothing was decided");
}
