//! `akta controller`: open controllers, say what kind they are, list them, end them.

mod close;
mod list;
mod lone_approval;
mod open;
mod profile;
mod set;

use super::{Failure, Outcome};

/// Open controllers (schools), say what kind they are, list those that you may see, end them
///
/// A controller's trail is opened once, in its time zone. What kind of controller it is decides how
/// its events are judged. Each change is a notice in its trail.
///
///   akta controller open --controller school-3 --zone Europe/Warsaw --public-body --register-keeper
///   akta controller list
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Open(open::Args),
    Set(set::Args),
    List(list::Args),
    LoneApproval(lone_approval::Args),
    Close(close::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Open(args) => open::run(args),
        Command::Set(args) => set::run(args),
        Command::List(args) => list::run(args),
        Command::LoneApproval(args) => lone_approval::run(args),
        Command::Close(args) => close::run(args),
    }
}
