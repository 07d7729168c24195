//! `akta grant`: let the vendor's staff in, for a time.

mod end;
mod give;
pub(super) mod list;

use super::{Failure, Outcome};

/// Let somebody of the vendor's staff see a school's records, for a time; list and end what was given
///
/// A grant opens what the policy file gives somebody by role, and nothing more. The school's own
/// contact gives it. Each is a notice in the school's trail, and every read by it names it.
///
///   akta grant give --controller school-1 --to 'group security of ISSUER' \
///     --for search,notices --ground 'contract of 2026-08-20, section 9' --days 90
///   akta grant list --controller school-1 --purpose security
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Give(give::Args),
    End(end::Args),
    List(list::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Give(args) => give::run(args),
        Command::End(args) => end::run(args),
        Command::List(args) => list::run(args),
    }
}
