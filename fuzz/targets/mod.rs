//! Every reader of bytes that Akta did not write a moment ago, each with what must hold for whatever it is given.
//!
//! A target takes any bytes and panics if a property breaks. `scripts/fuzz` leads made-up bytes to it; the inputs that
//! are worth keeping stand in `fuzz/corpus`, and `tests/bytes/corpora.rs` gives them to the same checks.
#![allow(clippy::unwrap_used)]

mod arrival;
mod certificate;
mod combined;
mod config;
mod controller;
mod cursor;
mod event;
mod frame;
mod guard;
mod header;
mod input;
mod jsonl;
mod kek;
mod keyring;
mod meta;
mod names;
mod note;
mod notice;
mod part;
mod policy;
mod posting;
mod proof;
mod question;
mod run;
mod said;
mod shown;
mod tlog_proof;
mod token;
mod vkey;
mod wal;

/// The check of one input.
pub(crate) type Check = fn(&[u8]);

/// The targets, by name.
pub(crate) const ALL: &[(&str, Check)] = &[
    ("arrival", arrival::check),
    ("certificate", certificate::check),
    ("combined", combined::check),
    ("config", config::check),
    ("controller", controller::check),
    ("cursor", cursor::check),
    ("event", event::check),
    ("frame", frame::check),
    ("guard", guard::check),
    ("header", header::check),
    ("jsonl", jsonl::check),
    ("kek", kek::check),
    ("keyring", keyring::check),
    ("meta", meta::check),
    ("names", names::check),
    ("note", note::check),
    ("notice", notice::check),
    ("part", part::check),
    ("policy", policy::check),
    ("posting", posting::check),
    ("proof", proof::check),
    ("question", question::check),
    ("run", run::check),
    ("shown", shown::check),
    ("tlog_proof", tlog_proof::check),
    ("token", token::check),
    ("vkey", vkey::check),
    ("wal", wal::check),
];
