//! Every reader of bytes that Akta did not write a moment ago, each with what must hold for whatever it is given.
//!
//! A target takes any bytes and panics if a property breaks. `scripts/fuzz` leads made-up bytes to it; the inputs that
//! are worth keeping stand in `fuzz/corpus`, and `tests/bytes/corpora.rs` gives them to the same checks.
#![allow(clippy::unwrap_used)]

mod combined;
mod config;
mod cursor;
mod event;
mod frame;
mod guard;
mod header;
mod input;
mod jsonl;
mod keyring;
mod note;
mod policy;
mod proof;
mod question;
mod run;
mod said;
mod tlog_proof;
mod token;
mod vkey;
mod wal;

/// The check of one input.
pub(crate) type Check = fn(&[u8]);

/// The targets, by name.
pub(crate) const ALL: &[(&str, Check)] = &[
    ("combined", combined::check),
    ("config", config::check),
    ("cursor", cursor::check),
    ("event", event::check),
    ("frame", frame::check),
    ("guard", guard::check),
    ("header", header::check),
    ("jsonl", jsonl::check),
    ("keyring", keyring::check),
    ("note", note::check),
    ("policy", policy::check),
    ("proof", proof::check),
    ("question", question::check),
    ("run", run::check),
    ("tlog_proof", tlog_proof::check),
    ("token", token::check),
    ("vkey", vkey::check),
    ("wal", wal::check),
];
