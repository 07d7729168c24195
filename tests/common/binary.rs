//! The real binary, as a test runs it, and what it said.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

/// The binary, untouched by settings of whoever runs the tests.
pub(crate) fn akta() -> Command {
    untouched(Command::new(env!("CARGO_BIN_EXE_akta")))
}

/// A command that sees no settings of Akta.
pub(crate) fn untouched(mut command: Command) -> Command {
    for variable in akta::cli::variables() {
        command.env_remove(variable);
    }
    command
}

/// Both streams of a command, for a failed test.
pub(crate) fn shown(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{}\n{out}\n{err}", output.status)
}
