//! `akta incident`: let security search across schools, without names.

mod declare;
mod end;
pub(super) mod list;

use super::{Failure, Outcome};

/// Declare an incident: security may search the controllers concerned, without names, for some days
///
/// It stands as a notice in the trail of each controller concerned, with its ground; every search by it
/// names it there. Names take a re-identification that two people agreed to ("akta approval").
///
///   akta incident declare --ground 'ticket 4711: passwords on a public page' --hours 72
///   akta incident list --controller school-1 --purpose incident-investigation
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Declare(declare::Args),
    End(end::Args),
    List(list::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Declare(args) => declare::run(args),
        Command::End(args) => end::run(args),
        Command::List(args) => list::run(args),
    }
}
