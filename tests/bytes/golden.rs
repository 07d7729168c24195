//! Golden bytes of every layout of docs/format.md, from fixed inputs: what was written once is written so for ever.
//!
//! The files lie in `golden/`, one for each family of layouts; `sheet` says how they read and how they are written.
#![allow(clippy::unwrap_used)]

mod evidence;
mod kept;
mod messages;
mod records;
mod sealed;
mod sheet;
mod store;

/// Sections of the page, each with rows that show its layouts (file, beginning of the name), or the reason why it has
/// none.
const SECTIONS: [(&str, Shown); 22] = [
    ("Conventions", Shown::By(&["headers/akta v1 trail origin", "messages/Core"])),
    ("Data folder", Shown::Elsewhere("the frozen folders are such folders")),
    (
        "Families",
        Shown::By(&[
            "storage-keys/header, notice",
            "storage-keys/part",
            "storage-keys/tree",
            "storage-keys/meta",
            "storage-keys/row",
            "storage-keys/posting",
            "storage-keys/event_id",
            "storage-keys/counter",
            "storage-keys/indexed",
            "store/pseudonym 0 key",
        ]),
    ),
    (
        "Header, link, run",
        Shown::By(&[
            "headers/notice: header",
            "headers/event of 1 groups: header",
            "headers/event of 6 groups: header",
            "headers/event of 6 groups: link",
            "headers/run of 7",
            "store/header 0",
        ]),
    ),
    (
        "Parts",
        Shown::By(&[
            "commitments/salt",
            "commitments/akta v1 part",
            "commitments/akta v1 group",
            "messages/Core",
            "messages/ActorPart",
            "messages/SubjectPart",
            "messages/NetPart",
            "messages/SessionPart",
            "messages/DetailPart",
        ]),
    ),
    (
        "Frames",
        Shown::By(&[
            "frames/place",
            "frames/frame: plain",
            "frames/frame: value",
            "frames/merged frame: plain",
            "frames/merged frame: value",
            "store/part 0",
            "messages/Frame",
        ]),
    ),
    ("Keys", Shown::By(&["keys/akta v1 seal key", "keys/akta v1 dev kek"])),
    (
        "Sealed values",
        Shown::By(&[
            "frames/sealed",
            "store/row 0",
            "store/row 0 half 0 opened",
            "store/row 0 half 1 opened",
            "store/keyring sealed, hash",
        ]),
    ),
    (
        "Keyring",
        Shown::By(&["store/keyring slot", "store/keyring zone", "store/keyring signing_seed", "messages/Keyring"]),
    ),
    (
        "Tree and checkpoints",
        Shown::By(&[
            "evidence/leaf 0",
            "evidence/node of both",
            "evidence/empty tree",
            "evidence/tree row 1/0",
            "evidence/checkpoint",
            "evidence/vkey",
            "evidence/key id",
            "evidence/akta v1 signing key rotated",
            "evidence/signed by the old key",
            "evidence/tlog-proof",
        ]),
    ),
    ("Guard", Shown::By(&["evidence/guard", "store/guard"])),
    (
        "Vault",
        Shown::By(&[
            "keys/identity",
            "keys/akta v1 pseudonym",
            "messages/VaultAccount",
            "messages/VaultContact",
            "store/row 0",
            "store/pseudonym 0",
        ]),
    ),
    (
        "Index",
        Shown::By(&[
            "terms/kind 1",
            "terms/kind 2",
            "terms/kind 3",
            "terms/kind 4",
            "terms/kind 5",
            "terms/kind 6",
            "terms/kind 7",
            "terms/130 seqs",
            "store/posting 0",
            "store/event_id 0",
            "store/counter 0",
            "store/indexed 0",
            "requests/akta v1 request",
        ]),
    ),
    ("Meta", Shown::By(&["store/meta 0", "messages/TrailMeta"])),
    (
        "Notices",
        Shown::By(&[
            "messages/NoticeCore opened",
            "messages/NoticeCore keyring_opened",
            "messages/NoticeCore controller_set",
            "messages/NoticeCore lone_approval_set",
            "messages/NoticeCore granted",
            "messages/NoticeCore incident_declared",
            "messages/NoticeCore act_ended",
            "messages/NoticeCore approval_asked",
            "messages/NoticeCore approval_answered",
            "messages/NoticeCore approval_used",
            "commitments/slices group",
            "headers/notice with slices: header",
            "messages/NoticeCore signing_key_rotated",
            "messages/NoticeCore kek_rotated",
            "commitments/notice group",
            "store/notice 0",
        ]),
    ),
    ("Dates", Shown::Elsewhere("rules, no layout: their rows stand beside policy.rs and date.rs")),
    ("Orders", Shown::By(&["evidence/page token"])),
    ("Export", Shown::By(&["export/record 0", "export/fields of checkpoint", "export/end"])),
    ("How to verify", Shown::Elsewhere("no layout")),
    ("Worked example", Shown::By(&["commitments/salt", "frames/sealed", "keys/session hash", "terms/kind 2 subject"])),
    ("Versions", Shown::Elsewhere("no layout; the page has it from format 1 on")),
    ("Not there yet", Shown::Elsewhere("no layout")),
];

enum Shown {
    By(&'static [&'static str]),
    Elsewhere(&'static str),
}

const PAGE: &str = include_str!("../../docs/format.md");

#[test]
fn every_section_of_the_page_has_golden_rows() {
    let headings: Vec<_> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let listed: Vec<_> =
        SECTIONS.iter().map(|(name, _)| *name).filter(|name| *name != "Versions" || headings.contains(name)).collect();
    assert_eq!(headings, listed, "the page has other sections: list their rows here");
    let rows = rows();
    for (section, shown) in SECTIONS {
        match shown {
            Shown::Elsewhere(why) => assert!(!why.is_empty()),
            Shown::By(names) => {
                for name in names {
                    assert!(rows.iter().any(|row| row.starts_with(name)), "{section}: no golden row {name}");
                }
            }
        }
    }
}

/// Each context of the page has a row of its name.
#[test]
fn every_context_of_the_page_has_a_golden_row() {
    let contexts: std::collections::BTreeSet<&str> =
        PAGE.split("\"akta v1 ").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(contexts.len() > 10);
    let rows = rows();
    for context in contexts {
        let row = format!("/akta v1 {context}");
        assert!(rows.iter().any(|name| name.ends_with(&row)), "no golden row is named akta v1 {context}");
    }
}

/// Every row of every file, as file/name.
fn rows() -> Vec<String> {
    let files = std::fs::read_dir(sheet::folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let named = |path: std::path::PathBuf| {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        sheet::read(&path).into_keys().map(move |name| format!("{file}/{name}"))
    };
    files.flat_map(named).collect()
}
