//! `akta hold review`: somebody looked, and it is still needed.

use serde_json::json;

use crate::cli::args::{Day, Target};
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::ReviewHoldRequest;

/// Say that a hold is still needed, and by when somebody must look again
///
/// Permission: hold. At most 6 months ahead. A hold that is no longer needed is released instead.
///
///   akta hold review 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1 --until 2027-08-31 \
///     --ground 'the court has not decided'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Its UUID, as it was printed or is listed
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: Target,
    /// The day by which somebody must look again
    #[arg(long, value_name = "DATE")]
    until: Day,
    /// Why it is still needed; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { id, target, until, ground, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let (controller, review_on) = (target.controller.clone(), until.0.to_string());
        let request = ReviewHoldRequest { controller, id: id.clone(), ground, review_on: review_on.clone() };
        let answer = client.retention.review_hold(request).await.map_err(|status| reason(&status))?.into_inner();
        let fields = json!({"id": id, "controller": target.controller, "review_on": review_on});
        receipt::say(json, &format!("hold {id} is to be reviewed by {review_on}"), fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
