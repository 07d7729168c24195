//! `akta hold`: what is kept past its date.

mod list;
mod place;
mod release;
mod review;

use super::{Failure, Outcome};

/// Keep named parts of records past their date, for a case or as long as a contract runs
///
/// A hold is the only way past a date. It has an owner, a ground and a day by which somebody must look whether
/// it is still needed, at most 6 months ahead; once that day is past it goes on, and is named as overdue in
/// the list, the log and the metrics. Each hold has a key of its own: when it is released that is destroyed,
/// and what it alone kept past its date is unreadable for good.
///
///   akta hold place --controller school-1 --subject pupil:p-204 --kind case --owner 'legal office' \
///     --ground 'claim 17/2026' --review 2027-03-01 --dry-run
///   akta hold list --controller school-1 --purpose legal-claim
///   akta search --controller school-1 --purpose legal-claim --hold ID
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Place(Box<place::Args>),
    Review(review::Args),
    Release(release::Args),
    List(list::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Place(args) => place::run(*args),
        Command::Review(args) => review::run(args),
        Command::Release(args) => release::run(args),
        Command::List(args) => list::run(args),
    }
}
