//! `akta approval`: what nobody may do alone is asked for, and another agrees.

mod answer;
mod ask;
mod list;

use super::{Failure, Outcome};
use crate::grpc::api::ApprovalStanding;

/// Ask for what nobody may do alone; agree or object to what another asked for; list what was asked
///
/// Erasing a person, leading pseudonyms back to people where names are withheld, naming staff in what
/// is handed out: one asks, another agrees, one objection stops it. Within 30 days, or it is asked anew.
/// Where a school chose so, one of its own staff may go on alone after 48 hours. Each step is a notice.
///
///   akta approval ask reidentification --controller school-1 --concerning 'who read p-204 on Tuesday' \
///     --ground 'ticket 4711'
///   akta approval agree 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ask(ask::Args),
    /// Agree to what another asked for
    ///
    /// Permission: approve; by your own token, and not to what you asked for yourself.
    ///
    ///   akta approval agree 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1
    #[command(verbatim_doc_comment)]
    Agree(answer::Args),
    /// Object to what another asked for, or take back what you asked for yourself
    ///
    /// Permission: approve, or that you asked; by your own token. One objection is enough.
    ///
    ///   akta approval object 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1 --ground 'not needed'
    #[command(verbatim_doc_comment)]
    Object(answer::Args),
    List(list::Args),
}

/// Does what the subcommand says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Ask(args) => ask::run(args),
        Command::Agree(args) => answer::run(args, true),
        Command::Object(args) => answer::run(args, false),
        Command::List(args) => list::run(args),
    }
}

/// Where a request stands, in a word.
fn word(standing: ApprovalStanding) -> &'static str {
    match standing {
        ApprovalStanding::Unspecified => "-",
        ApprovalStanding::Agreed => "agreed",
        ApprovalStanding::AgreedAlone => "agreed alone",
        ApprovalStanding::Waits => "waits",
        ApprovalStanding::NeedsAnother => "needs another",
        ApprovalStanding::Refused => "refused",
        ApprovalStanding::Lapsed => "lapsed",
        ApprovalStanding::Used => "used",
    }
}

/// The same with the time for which it waits.
fn stands(standing: ApprovalStanding, ready_at: Option<&prost_types::Timestamp>) -> String {
    match ready_at {
        Some(_) => format!("{} until {} UTC", word(standing), super::text::time(ready_at)),
        None => word(standing).to_owned(),
    }
}
