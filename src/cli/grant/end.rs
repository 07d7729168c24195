//! `akta grant end`: nobody is let in by it any more.

use serde_json::json;

use crate::cli::args::Target;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::EndGrantRequest;

/// End a grant at once
///
/// Permission: grant. The next call by it is refused. One that is over already is no error.
///
///   akta grant end 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1 --ground 'case closed'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Its UUID, as it was printed or is listed
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: Target,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { id, target, ground, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let request = EndGrantRequest { controller: target.controller.clone(), id: id.clone(), ground };
        let answer = client.controllers.end_grant(request).await.map_err(|status| reason(&status))?.into_inner();
        let fields = json!({"id": id, "controller": target.controller});
        receipt::say(json, &format!("grant {id} is over"), fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
