//! Policy files: what they say, and how they are refused.

use super::*;
use crate::config::File;
use crate::model::caller::{Caller, Claims, Credential};
use crate::model::date::Timestamp;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::acts::Acts;
use crate::model::permission::decide::{decide, services};
use crate::model::permission::issuer::Keys;
use crate::model::spiffe::SpiffeId;

const EXAMPLE_POLICY: &str = include_str!("../../../examples/two-schools/policy.toml");

fn parsed(text: &str) -> Result<Policy, String> {
    parse(text, Path::new("/etc/akta")).map_err(|error| error.to_string())
}

fn controller(name: &str) -> Controller {
    Controller::new(name).expect("a name")
}

/// One of everything.
const ALL: &str = r#"
contact_title = "Inspektor"
[[issuer]]
url = "https://login.example"
audience = "akta"
jwks_url = "https://login.example/keys"
algorithms = ["ES256"]
[[workload]]
spiffe = "spiffe://schools.example/gradebook"
service = "gradebook"
controllers = ["school-1"]
roles = ["ingest"]
[[workload]]
uid = 1000
controllers = ["*"]
roles = ["operator"]
[[person]]
issuer = "https://login.example"
subject = "anna"
controllers = ["school-1"]
roles = ["contact", "approver"]
staff = "controller"
[[person]]
issuer = "https://login.example"
group = "support"
controllers = ["*"]
roles = ["security"]
staff = "processor"
"#;

#[test]
fn everything_is_read() {
    let policy = parsed(ALL).expect("is good");
    let names: Vec<&str> = policy.entries().iter().map(|entry| &**entry.name()).collect();
    assert_eq!(names, ["workload, line 8", "workload, line 13", "person, line 17", "person, line 23"]);
    let holders: Vec<String> = policy.entries().iter().map(|entry| entry.holder().to_string()).collect();
    assert_eq!(holders[2..], ["https://login.example#anna", "group support of https://login.example"]);
    assert_eq!(policy.contact_title(), "Inspektor");
    assert_eq!(policy.issuers()[0].keys, Keys::Url("https://login.example/keys".to_owned()));
    let beside = ALL.replace("jwks_url = \"https://login.example/keys\"", "jwks_file = \"jwks.json\"");
    assert_eq!(parsed(&beside).expect("is good").issuers()[0].keys, Keys::File("/etc/akta/jwks.json".into()));
    assert_eq!(parsed(""), Ok(Policy::default()), "nobody may anything");
}

/// Each row: what is put in the place of what, and what the refusal says, with the line of the table.
#[test]
fn every_refusal_names_line_field_and_remedy() {
    const SECRET: &str = "zq-secret-7731";
    let rows = [
        ("audience = \"akta\"", "audiance = \"akta\"", "line 5: unknown field `audiance`, expected one of"),
        ("audience = \"akta\"\n", "", "line 3: missing field `audience`"),
        ("audience = \"akta\"", "audience = \"\"", "line 3: issuer.audience: is required: give 1 to 255 bytes"),
        ("url = \"https://login.example\"", "url = \"http://zq-secret-7731\"", "line 3: issuer.url: must be an https"),
        ("jwks_url = \"https://", "jwks_url = \"https://zq-secret-7731@", "line 3: issuer.jwks_url: must be an https"),
        ("jwks_url = \"https://login.example/keys\"\n", "", "line 3: issuer.jwks_file: is required, or jwks_url"),
        ("jwks_url", "jwks_file = \"zq-secret-7731\"\njwks_url", "line 3: issuer.jwks_file: is required, or jwks_url"),
        ("[\"ES256\"]", "[\"ES256\", \"none\"]", "line 3: issuer.algorithms[1]: is none of ES256, ES384"),
        ("[\"ES256\"]", "[]", "line 3: issuer.algorithms: is empty"),
        ("spiffe://schools", "zq-secret-7731", "line 8: workload.spiffe: a SPIFFE id begins with spiffe://"),
        ("/gradebook\"", "\"", "line 8: workload.spiffe: names a trust domain"),
        ("uid = 1000", "uid = 1000\nspiffe = \"spiffe://a/b\"", "line 13: workload.spiffe: is required, or uid"),
        ("uid = 1000", "uid = -1", "line 14: invalid value"),
        ("service = \"gradebook\"\n", "", "line 8: workload.service: is required with the role ingest"),
        ("uid = 1000", "uid = 1000\nservice = \"x\"", "line 13: workload.service: goes with the role ingest only"),
        ("[\"ingest\"]", "[\"zq-secret-7731\"]", "line 8: workload.roles[0]: is none of ingest, auditor, contact"),
        ("[\"ingest\"]", "[]", "line 8: workload.roles: is empty: give at least one"),
        ("[\"ingest\"]", "\"zq-secret-7731\"", "line 12: invalid type, expected a sequence"),
        ("[\"school-1\"]", "[\"*\", \"school-1\"]", "line 8: workload.controllers: must be names"),
        ("[\"school-1\"]", "[\"zq-secret-7731!\"]", "line 8: workload.controllers: must be names"),
        ("staff = \"processor\"", "staff = \"zq-secret-7731\"", "line 23: person.staff: must be \"controller\" or"),
        ("staff = \"processor\"", "staff = \"controller\"", "line 23: person.staff: is \"controller\", so controllers"),
        ("staff = \"processor\"\n", "", "line 23: missing field `staff`"),
        ("group = \"support\"", "group = \"\"", "line 23: person.group: is required: give 1 to 255 bytes"),
        ("group = \"support\"\n", "", "line 23: person.subject: is required, or group instead"),
        ("group = \"support\"", "group = \"a\"\nsubject = \"b\"", "line 23: person.subject: is required, or group"),
        ("url = \"https://login", "url = \"https://other", "line 17: person.issuer: is the url of no [[issuer]]"),
        ("contact_title = \"Inspektor\"", "contact_title = \"\"", "contact_title: is required: give 1 to 64 bytes"),
    ];
    for (good, bad, says) in rows {
        assert!(ALL.contains(good), "{good}");
        let why = parsed(&ALL.replacen(good, bad, 1)).expect_err(bad);
        assert!(why.lines().any(|line| line.starts_with(says)), "{bad}: {why}");
        assert!(!why.contains(SECRET), "a value is shown: {why}");
    }
    let issuer = ALL.split("[[").nth(1).expect("is there");
    let why = parsed(&format!("{ALL}[[{issuer}")).expect_err("is there twice");
    assert_eq!(why, "line 29: issuer.url: has such a table already: keep one of them");
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let bad =
        ALL.replace("\"ingest\"", "\"reporter\"").replace("\"security\"", "\"police\"").replace("\"akta\"", "\"\"");
    let why = parsed(&bad).expect_err("is bad");
    let lines: Vec<&str> = why.lines().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(lines, ["line 3", "line 8", "line 23"], "{why}");
}

/// What the comments of the example promise.
#[test]
fn the_two_schools_are_kept_apart() {
    let policy = parse(EXAMPLE_POLICY, Path::new("")).expect("the example is good");
    let person = |subject: &str, groups: &[&str]| {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let issuer = "https://login.vendor.example".to_owned();
        Caller::new(Credential::Person(Claims { issuer, subject: subject.to_owned(), groups }))
    };
    let gradebook = SpiffeId::parse("spiffe://vendor.example/gradebook").expect("an id");
    let gradebook = Caller::new(Credential::Workload(gradebook));
    let payments = Caller::new(Credential::Socket { uid: 2_001 });
    let (anna, ewa) = (person("anna", &[]), person("ewa", &["dpo-school-2"]));
    let (security, platform) = (person("jan", &["security"]), person("ola", &["platform"]));
    let rows = [
        (&gradebook, Permission::Record, [true, true]),
        (&payments, Permission::Record, [true, false]),
        (&payments, Permission::Search, [false, false]),
        (&anna, Permission::Search, [true, false]),
        (&anna, Permission::Grant, [true, false]),
        (&ewa, Permission::Erase, [false, true]),
        (&person("headmaster-1", &[]), Permission::Approve, [true, false]),
        (&security, Permission::Search, [false, false]),
        (&security, Permission::Watch, [false, false]),
        (&security, Permission::Verify, [true, true]),
        (&platform, Permission::Operate, [true, true]),
        (&platform, Permission::Search, [false, false]),
        (&person("piotr", &[]), Permission::Retention, [true, true]),
        (&person("nobody", &[]), Permission::List, [false, false]),
    ];
    let now = Timestamp::parse("2026-11-22").expect("a time");
    for (caller, permission, may) in rows {
        let found = ["school-1", "school-2"].map(|of| {
            let decision = decide(&policy, &Acts::default(), caller, permission, &controller(of), now);
            decision.permitted().is_ok()
        });
        assert_eq!(found, may, "{caller} {permission}");
    }
    let school = controller("school-1");
    assert_eq!(services(&policy, &payments, &school).collect::<Vec<_>>(), ["payments"]);
    assert_eq!(policy.contact_title(), "Inspektor Ochrony Danych");
}

/// The parser itself lists the keys it knows: the example has each, so that whoever starts from it misses none.
#[test]
fn every_key_is_in_the_example() {
    let text = EXAMPLE_POLICY.replace("\n# ", "\n");
    for table in ["", "[[issuer]]\n", "[[workload]]\n", "[[person]]\n"] {
        let why = parsed(&format!("{table}nonsense = 1")).expect_err("is no key");
        let keys: Vec<&str> = why.split('`').skip(3).step_by(2).collect();
        assert!(keys.len() >= 3, "{why}");
        for key in keys {
            let there = [format!("{key} = "), format!("[[{key}]]")].iter().any(|shape| text.contains(shape.as_str()));
            assert!(there, "{table}{key} is not in the example");
        }
    }
}

#[test]
fn a_policy_stands_beside_the_file_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("akta.toml");
    for (named, good) in
        [("policy.toml", true), ("./policy.toml", true), ("elsewhere.toml", false), ("/nowhere", false)]
    {
        std::fs::write(folder.path().join("policy.toml"), EXAMPLE_POLICY).expect("writes");
        std::fs::write(&path, format!("policy = \"{named}\"")).expect("writes");
        let rules = File::read(&path).expect("is good").rules();
        assert_eq!(rules.is_ok_and(|rules| rules.is_some()), good, "{named}");
    }
    assert_eq!(File::parse("").expect("is good").rules().expect("is good"), None);
    std::fs::write(folder.path().join("policy.toml"), "[[person]]\nname = 1").expect("writes");
    std::fs::write(&path, "policy = \"policy.toml\"").expect("writes");
    let why = File::read(&path).expect("is good").rules().expect_err("is bad").to_string();
    assert!(why.starts_with("policy ") && why.contains("policy.toml: line 2: unknown field"), "{why}");
}
