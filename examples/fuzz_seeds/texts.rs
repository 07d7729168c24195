//! Seeds that are text: as an operator, a log or a stranger would write them.

pub(crate) const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
pub(crate) const WITNESS: &str = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";

pub(crate) const COMBINED: &[(&str, &str)] = &[
    (
        "combined",
        r#"192.0.2.7 - ann [17/May/2015:10:05:03 +0000] "GET /pupils/7?x=y HTTP/1.1" 200 5 "https://a.example/" "Mozilla/5.0""#,
    ),
    ("common", r#"2001:db8::7 - - [17/May/2015:12:05:03 -1030] "POST http://a.example/p HTTP/1.0" 403 -"#),
    ("escapes", r#"192.0.2.7 - "" [01/Jan/1970:00:00:00 +0100] "PUT /\xc4\x85\\\"\t%3F HTTP/1.1" 500 0 "-" "\xff""#),
    ("bytes", r#"::ffff:192.0.2.7 - - [30/Jun/2015:23:59:60 +0000] "\x16\x03\x01" 400 18446744073709551615 "" """#),
];

pub(crate) const CONFIG: &[(&str, &str)] = &[
    (
        "whole",
        "data = \"/d\"\nguard = \"/g\"\nlisten = \"unix:/run/akta\"\nauthority = \"akta.example.org\"\n\
         kek_file = \"/k\"\nzone = \"Europe/Warsaw\"\ncontrollers = [\"school-12\"]\ndisk_reserve = \"512 MiB\"\n",
    ),
    ("list", "controllers = \"zq-marker-7731\"\n"),
    (
        "abroad",
        "region = \"PL\"\n[[recipient]]\nname = \"Court\"\ncountry = \"PL\"\n[[recipient]]\nname = \"zq-marker-7731\"\n\
         country = \"Poland\"\n",
    ),
    ("size", "disk_reserve = \"12 parsec\"\n"),
    ("unknown", "kek = \"c2VjcmV0\"\n"),
];

pub(crate) const POLICY: &[(&str, &str)] = &[
    ("schools", include_str!("../two-schools/policy.toml")),
    (
        "incident",
        "[[workload]]\nuid = 7\ncontrollers = [\"*\"]\nroles = [\"security\"]\n[[incident]]\nid = \"i\"\ncontrollers = [\"*\"]\n\
         ground = \"t\"\nopened_by = \"a\"\nfrom = 2026-11-22\nuntil = \"2026-11-23T00:00:00+01:00\"\n",
    ),
    (
        "words",
        "[[person]]\nissuer = \"zq-marker-7731\"\ngroup = \"\"\ncontrollers = [\"A\", \"*\"]\nroles = [\"root\", \"steward\"]\n\
         staff = \"both\"\n",
    ),
];

pub(crate) const NAMES: &[(&str, &str)] = &[
    ("controller", "school-12"),
    ("dots", ".."),
    ("origin", "akta.dev/school-12/w0a1b2c3d"),
    ("workload", "spiffe://schools.example/ns/a/sa/gradebook"),
    ("domain", "spiffe://schools.example"),
    ("socket", "uid:1000"),
    ("subject", "https://login.example#anna"),
    ("group", "group heads of schools of https://login.example"),
    ("country", "PL"),
    ("time", "2026-11-22T11:00:00.5+01:00"),
    ("secret", "X-Set-Cookie"),
    ("joined", "aws_secretAccess.KEY2"),
    ("hostile", "a\u{1b}[31m\u{202e}\u{9b}b"),
];

pub(crate) const JSONL: &[(&str, &str)] = &[
    (
        "plain",
        r#"{"occurred_at": "2026-11-22T11:00:00+01:00", "actor": "staff:t-17", "actor_kind": "human", "action": "read", "outcome": "Success", "purpose": "support ticket", "purpose_text": "T-1", "subjects": ["pupil:p-204", {"namespace": "pupil", "id": "p:2", "child": "under-13"}], "categories": "education-record", "ip": "192.0.2.7", "user_agent": {"base64": "Y3VybA=="}, "source": "gradebook", "attributes": {"rows": 3, "draft": true}, "record_count": 2, "retention_class": null}"#,
    ),
    (
        "proto",
        r#"{"eventId": "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f", "controller": "school-12", "occurredAt": "2026-11-22T10:00:00Z", "action": "ACTION_DISCLOSE", "outcome": 1, "actor": {"identity": {"namespace": "staff", "id": "t-17"}, "kind": "ACTOR_KIND_HUMAN", "roles": ["x"], "onBehalfOf": "c:d"}, "legal_basis": "art6-1-c", "disclosure": {"recipient": "court", "country": "PL"}, "export": {"format": "csv", "bytes": "9", "sha256": "0303030303030303030303030303030303030303030303030303030303030303"}, "session": {"id": "s", "auth_method": "passkey", "mfa": true}, "corrects": {"origin": "a/b/c", "seq": "7"}, "break_glass": {"reason": "fire"}}"#,
    ),
    (
        "bad",
        r#"{"action": "zq-marker-7731", "acton": "x", "outcome": 1.5, "actor": 7, "purposeText": "a", "purpose_text": "b", "change": {"hash_before": "zq-marker-7731"}}"#,
    ),
    ("twice", r#"{"action": "read", "action": "list"}"#),
];
