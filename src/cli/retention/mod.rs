//! `akta retention`: how long records live: shown, checked, compared, set.

mod check;
mod diff;
mod file;
mod rows;
mod set;
mod show;

use super::{Failure, Outcome};

/// Show and set how long records live, class by class, within the bounds of the law
///
/// FILE is TOML: a table per class, in it lifetimes of core, net, session, detail, such as
///   [access]
///   core = "12 months"
///   net = "6 months"
/// What is not named lives as the policy says, but no longer than the core of its class. A choice
/// holds for what is recorded after it: dates of what is recorded stay.
///
///   akta retention show --controller school-1
///   akta retention check retention.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
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
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Show(args) => show::run(args),
        Command::Check(args) => check::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Set(args) => set::run(args),
    }
}
