//! `akta retention`: how long records live: shown, checked, compared, set; and their end.

mod check;
mod diff;
mod file;
mod offline;
mod preview;
mod rows;
mod run;
mod set;
mod show;
pub(super) mod standing;

use super::{Failure, Outcome};

/// How long records live: show and set it, class by class, see what expires when, and have it destroyed
///
/// FILE is TOML: a table per class, in it lifetimes of core, net, session, detail, such as
///   [access]
///   core = "12 months"
///   net = "6 months"
/// What is not named lives as the policy says, but no longer than the core of its class. A choice
/// holds for what is recorded after it: dates of what is recorded stay.
///
/// Every part of a record has a date, fixed when it was recorded: the first day on which it is unreadable.
/// A node destroys the keys of a day by itself, at its start and once the day is reached; then nothing can
/// read what was sealed under them, no copy either.
///
///   akta retention show --controller school-1
///   akta retention check retention.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
// A table of TOML, shown as it is written.
#[allow(rustdoc::broken_intra_doc_links)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(show::Args),
    Check(check::Args),
    Diff(diff::Args),
    Set(set::Args),
    Preview(preview::Args),
    Run(Box<run::Args>),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Show(args) => show::run(args),
        Command::Check(args) => check::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Set(args) => set::run(args),
        Command::Preview(args) => preview::run(args),
        Command::Run(args) => run::run(*args),
    }
}
