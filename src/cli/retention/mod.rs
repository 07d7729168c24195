//! `akta retention`: how long records live, and their end.

mod offline;
mod preview;
mod run;
pub(super) mod standing;

use super::{Failure, Outcome};

/// See what expires when, and have it destroyed
///
/// Every part of a record has a date, fixed when it was recorded: the first day on which it is unreadable.
/// A node destroys the keys of a day by itself, at its start and once the day is reached; then nothing can
/// read what was sealed under them, no copy either.
///
///   akta retention preview --until 2027-01-31
///   akta retention run
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Preview(preview::Args),
    Run(Box<run::Args>),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Preview(args) => preview::run(args),
        Command::Run(args) => run::run(*args),
    }
}
