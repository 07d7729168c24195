//! `akta identity`: who stands behind the pseudonyms of a controller, and how that is forgotten.

mod deactivate;
mod erase;
mod find;
mod lift;
mod restrict;

pub(super) use self::erase::told;
use super::{Failure, Outcome};

/// Find people, and forget them: mask names and e-mail addresses on a day, erase, restrict
///
/// Records name people by pseudonyms alone; a vault beside the trail leads these back. So a person can be
/// forgotten while every record, and every proof of it, stays as it is. Each change is a notice in the
/// trail; it names nobody in clear.
///
///   akta identity find --controller school-1 --purpose subject-rights --name kowalska
///   akta identity deactivate staff:t-17 --controller school-1 --ground 'left on 2026-08-31'
///   akta identity erase staff:t-17 --controller school-1 --dry-run
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Find(find::Args),
    Deactivate(deactivate::Args),
    Erase(Box<erase::Args>),
    Restrict(restrict::Args),
    Lift(lift::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Find(args) => find::run(args),
        Command::Deactivate(args) => deactivate::run(args),
        Command::Erase(args) => erase::run(*args),
        Command::Restrict(args) => restrict::run(args),
        Command::Lift(args) => lift::run(args),
    }
}
