//! `akta identity restrict`: left out of ordinary searches.

use serde_json::json;

use crate::cli::args::{Confirm, Target, Who};
use crate::cli::{Failure, Outcome, block_on, receipt, text};
use crate::client::reason;
use crate::grpc::api::RestrictIdentityRequest;

/// Leave somebody's records out of searches that do not ask for them (GDPR art. 18)
///
/// Permission: erase. They stay recorded, proved and verified as all others; akta search
/// --include-restricted shows them. akta identity lift ends it.
///
///   akta identity restrict guardian:g-31 --controller school-1 --ground 'contests what is recorded'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Who
    #[arg(value_name = "NS:ID")]
    who: Who,
    #[command(flatten)]
    target: Target,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { who, target, ground, confirm, json } = args;
    let (of, named) = (target.controller.clone(), text::who(Some(&who.0)));
    if !confirm
        .wants(&format!("Records of {named} are left out of ordinary searches of {of}, until that is lifted."))?
    {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = target.connect().await?;
        let request = RestrictIdentityRequest { controller: of.clone(), identity: Some(who.0), ground };
        let answer = client.identities.restrict_identity(request).await.map_err(|status| reason(&status))?;
        let fields = json!({"identity": named, "controller": of, "restricted": true});
        let receipt = answer.into_inner().receipt;
        receipt::say(json, &format!("records of {named} are restricted"), fields, receipt.as_ref());
        Ok(Outcome::Good)
    })
}
