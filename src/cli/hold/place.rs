//! `akta hold place`: from now on what it selects is kept past its date.

use serde_json::json;

use crate::cli::args::{Confirm, Day, Target};
use crate::cli::filter::Filter;
use crate::cli::text::{self, number, say};
use crate::cli::words::Word;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::{Part, PlaceHoldRequest};
use crate::model::stored::HoldKind;

/// Place a hold: what it selects is kept past its date, what is recorded later as well, until it is released
///
/// Permission: hold. What to keep is said as for a search, with --resource-id beside; of the subjects of a
/// record only those are kept whom --subject names. What is past already is not brought back. A hold that
/// selects nothing is refused unless --may-be-empty is given.
///
///   akta hold place --controller school-1 --subject pupil:p-204 --kind case --owner 'legal office' \
///     --ground 'claim 17/2026' --review 2027-03-01
///   akta hold place --controller school-1 --actor staff:t-9 --since 2026-09-01 --part core --part actor \
///     --kind standing --owner 'contracts' --ground 'contract 9' --review 2027-05-01 --dry-run
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// case: a claim, a dispute, an order; standing: as long as a contract runs
    #[arg(long, value_name = "KIND")]
    kind: Word<HoldKind>,
    /// Who answers for it; at most 256 bytes
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// The day by which somebody must look whether it is still needed, at most 6 months ahead
    #[arg(long, value_name = "DATE")]
    review: Day,
    #[command(flatten)]
    filter: Box<Filter>,
    /// Which object, by the application's id
    #[arg(long, value_name = "ID", default_value_t, hide_default_value = true)]
    resource_id: String,
    /// What is kept of it: core, actor, subject, net, session, detail [several: these; none: all]
    #[arg(long, value_name = "PART")]
    part: Vec<Word<Part>>,
    /// Count what it would cover, and place nothing
    #[arg(long)]
    dry_run: bool,
    /// Place it although it covers nothing yet
    #[arg(long)]
    may_be_empty: bool,
    /// UUID of the hold, so that the call can be sent again; a fresh one unless given
    #[arg(long, value_name = "UUID", default_value_t, hide_default_value = true)]
    id: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args {
        target,
        kind,
        owner,
        ground,
        review,
        filter,
        resource_id,
        part,
        dry_run,
        may_be_empty,
        id,
        confirm,
        json,
    } = args;
    let controller = target.controller.clone();
    let what = format!("A hold on records of {controller}: they are kept past their date until it is released.");
    if !dry_run && !confirm.wants(&what)? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = target.connect().await?;
        let request = PlaceHoldRequest {
            controller: controller.clone(),
            id,
            kind: kind.0.into(),
            filter: Some(filter.wire()),
            resource_id,
            parts: part.into_iter().map(|part| part.0.into()).collect(),
            owner,
            ground,
            review_on: review.0.to_string(),
            dry_run,
            may_be_empty,
        };
        let answer = client.retention.place_hold(request).await.map_err(|status| reason(&status))?.into_inner();
        let records = answer.records;
        if dry_run {
            if json {
                say(text::json(&json!({"controller": controller, "dry_run": true, "records": records})));
            } else {
                say(format!("it would cover {} records of {controller}; nothing was placed", number(records)));
            }
            return Ok(Outcome::Good);
        }
        let done = format!("hold {} covers {} records of {controller}", answer.id, number(records));
        let fields = json!({"id": answer.id, "controller": controller, "records": records,
            "review_on": review.0.to_string()});
        receipt::say(json, &done, fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
