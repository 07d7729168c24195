//! `akta identity erase`: somebody is forgotten now.

use serde_json::{Value, json};

use crate::cli::args::{Confirm, Target, Who};
use crate::cli::text::{self, say, table};
use crate::cli::words::{Vocabulary, Word};
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::{EraseIdentityRequest, EraseIdentityResponse, ErasureFate};
use crate::model::stored::{ErasureGround, ErasureKept};

/// Erase somebody now, by a request that another agreed to; --dry-run shows what would become of their records
///
/// Permission: erase. Their pseudonym leads to nobody any more, in no copy either; of records that are about
/// and by nobody else, address, session and details are gone within 24 hours. What the law or a hold keeps
/// is told by class. Shows that first, and asks. This cannot be undone.
///
///   akta identity erase staff:t-17 --controller school-1 --dry-run
///   akta approval ask erasure --controller school-1 --concerning staff:t-17 --ground 'letter of 2026-11-22'
///   akta identity erase staff:t-17 --controller school-1 --ground-code contract-ended \
///     --ground 'letter of 2026-11-22' --approval ID
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Who
    #[arg(value_name = "NS:ID")]
    who: Who,
    #[command(flatten)]
    target: Target,
    /// Why, as GDPR art. 17(1) has it: contract-ended, consent-withdrawn, objection, unlawful, legal-duty, child-consent
    #[arg(long, value_name = "CODE", required_unless_present = "dry_run")]
    ground_code: Option<Word<ErasureGround>>,
    /// Why, in words; at most 256 bytes
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    ground: Option<String>,
    /// UUID of the request for this erasure, once another agreed to it
    #[arg(long, value_name = "UUID", required_unless_present = "dry_run")]
    approval: Option<String>,
    /// Show what would become of their records, and erase nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { who, target, ground_code, ground, approval, dry_run, confirm, json } = args;
    let (of, named) = (target.controller.clone(), text::who(Some(&who.0)));
    block_on(async {
        let mut client = target.connect().await?;
        let request = EraseIdentityRequest {
            controller: of.clone(),
            identity: Some(who.0),
            ground_code: ground_code.map_or(0, |code| code.0.into()),
            ground: ground.unwrap_or_default(),
            approval_id: approval.unwrap_or_default(),
            dry_run,
        };
        // Whoever is asked sees what it would do; where nobody is asked, nothing is looked at that is not needed.
        if dry_run || confirm.asks() {
            let would = EraseIdentityRequest { dry_run: true, ..request.clone() };
            let would = client.identities.erase_identity(would).await.map_err(|status| reason(&status))?.into_inner();
            if !json {
                say(told(&would));
            }
            if dry_run {
                match json {
                    true => say(text::json(&object(&named, &of, &would))),
                    false => say(format!("nothing was erased of {named} of {of}")),
                }
                return Ok(Outcome::Good);
            }
            if !confirm.wants(&format!("{named} of {of} is erased. This cannot be undone."))? {
                return Ok(Outcome::Finding);
            }
        }
        let done = client.identities.erase_identity(request).await.map_err(|status| reason(&status))?.into_inner();
        if !json {
            say(told(&done));
        }
        let fields = object(&named, &of, &done);
        receipt::say(json, &format!("{named} of {of} is erased"), fields, done.receipt.as_ref());
        Ok(Outcome::Good)
    })
}

/// What becomes of each class.
pub(in crate::cli) fn told(answer: &EraseIdentityResponse) -> String {
    let rows: Vec<Vec<String>> = answer.fates.iter().map(row).collect();
    let holds = answer.holds.iter().map(|id| format!("\nhold {id} keeps something of theirs"));
    table(&["CLASS", "OUTCOME", "RECORDS", "PARTS", "WHY"], &rows) + &holds.collect::<String>()
}

fn row(fate: &ErasureFate) -> Vec<String> {
    let why = match fate.kept() {
        ErasureKept::Unspecified => "",
        ErasureKept::Held => "a hold keeps them: GDPR art. 17(3)(e)",
        ErasureKept::Register => "who made a register entry stays: art. 17(3)(b)",
        ErasureKept::Evidence => "evidence that duties were met: art. 17(3)(e)",
        ErasureKept::Accounting => "accounts: art. 17(3)(b)",
    };
    vec![
        text::class(fate.retention_class),
        fate.outcome().word(),
        text::number(fate.records),
        text::number(fate.parts),
        why.to_owned(),
    ]
}

fn object(named: &str, of: &str, answer: &EraseIdentityResponse) -> Value {
    let fates = answer.fates.iter().map(|fate| {
        let kept = Some(fate.kept()).filter(|kept| *kept != ErasureKept::Unspecified).map(ErasureKept::word);
        json!({"class": text::class(fate.retention_class), "outcome": fate.outcome().word(), "records": fate.records,
            "parts": fate.parts, "kept": kept})
    });
    let fates: Vec<Value> = fates.collect();
    json!({"identity": named, "controller": of, "fates": fates, "holds": answer.holds})
}
