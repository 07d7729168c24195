//! `akta controller close`: what it entrusted is handed out, then destroyed, and the node certifies that.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::cli::args::{Confirm, Ground, Purpose, Target};
use crate::cli::text::{complain, number, say};
use crate::cli::words::Vocabulary;
use crate::cli::{Failure, Outcome, block_on, export, receipt};
use crate::client::reason;
use crate::grpc::api::close_controller_request::Returned;
use crate::grpc::api::{CloseControllerRequest, CloseControllerResponse, CompleteExport};
use crate::model::closing::TITLE;
use crate::model::note::Note;
use crate::model::vkey::Vkey;

/// End a controller for good: hand out everything that it entrusted, destroy it, certify that
///
/// Permission: erase, by a request for an erasure that you asked for and another agreed to:
///
///   akta approval ask erasure --controller school-3 --concerning controller:school-3 --ground 'contract ended'
///
/// Writes a complete export first, as "akta export" does, and tells the node its hash. Then the controller's key is
/// destroyed: nobody can read its records or lead a pseudonym back to anybody any more, in no copy of the databases.
/// Headers, notices and tree stay, so that what was there can be proved. Refused while a hold stands, or if events
/// came after the export: let nothing report any more, then repeat it. The certificate is a signed note in plain words; of a
/// controller that is closed, the command prints it again. The name is never opened again on this node.
///
///   akta controller close --controller school-3 --dry-run
///   akta controller close --controller school-3 --approval 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f \
///     --ground 'contract 12/2024 ended' --export school-3.jsonl --certificate school-3.certificate
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// UUID of the request that another agreed to; with --dev none is needed
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    approval: String,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    ground: String,
    /// Write the complete export to this file first
    #[arg(long, value_name = "FILE", conflicts_with = "without_export")]
    export: Option<PathBuf>,
    /// Hand nothing out: so it was agreed with the controller
    #[arg(long)]
    without_export: bool,
    /// Why you export; it is recorded with it
    #[arg(long, value_name = "PURPOSE", default_value = "migration")]
    purpose: Purpose,
    /// Reference of the contract or ticket; needed with support-ticket and other
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    purpose_text: String,
    /// Write the certificate to this file; stdout unless set
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Only count what would be destroyed: exit 1 if a hold stands in the way
    #[arg(long, conflicts_with_all = ["export", "without_export"])]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args {
        target,
        approval,
        ground,
        export,
        without_export,
        purpose,
        purpose_text,
        certificate,
        dry_run,
        confirm,
        json,
    } = args;
    let of = target.controller.clone();
    let destroys = export.is_some() || without_export;
    if destroys && !confirm.wants(&format!("Everything that {of} entrusted is destroyed. This cannot be undone."))? {
        return Ok(Outcome::Finding);
    }
    let (target, returned) = match export {
        None => (target, without_export.then_some(Returned::WithoutExport(true))),
        Some(path) => {
            let (target, size) = export::whole(target, Ground { purpose, purpose_text }, &path)?;
            let Some(size) = size else {
                complain("the export is not complete, so nothing is destroyed: run akta verify");
                return Ok(Outcome::Finding);
            };
            (target, Some(Returned::Export(CompleteExport { sha256: hash(&path)?, size })))
        }
    };
    let request = CloseControllerRequest { controller: of.clone(), approval_id: approval, ground, dry_run, returned };
    let answer = block_on(async {
        let mut client = target.connect().await?;
        Ok(client.controllers.close_controller(request).await.map_err(|status| reason(&status))?.into_inner())
    })?;
    if answer.certificate.is_empty() {
        return Ok(counted(&of, &answer, json));
    }
    certified(&answer)?;
    if let Some(path) = &certificate {
        let written = std::fs::write(path, &answer.certificate);
        written.map_err(|error| {
            Failure(format!(
                "the controller is closed, but the certificate is not written: {}: {error}; \
            the same command without --export prints it again",
                path.display()
            ))
        })?;
    }
    let mut fields = json!({"controller": of, "size": answer.size, "events": events(&answer),
        "verification_key": answer.verification_key});
    if certificate.is_none() && json {
        fields["certificate"] = answer.certificate.as_str().into();
    }
    let how = if answer.closed { "is closed" } else { "was closed before" };
    receipt::say(json, &format!("{of} {how}"), fields, answer.receipt.as_ref().filter(|_| answer.closed));
    if certificate.is_none() && !json {
        say(answer.certificate.trim_end());
    }
    Ok(Outcome::Good)
}

/// What would be destroyed.
fn counted(of: &str, answer: &CloseControllerResponse, json: bool) -> Outcome {
    if json {
        let fields = json!({"controller": of, "size": answer.size, "events": events(answer), "people": answer.people,
            "holds": answer.holds});
        say(crate::cli::text::json(&fields));
    } else {
        say(format!(
            "{of} has {} records, and {} pseudonyms that lead to somebody",
            number(answer.size),
            number(answer.people)
        ));
        for (class, count) in events(answer) {
            say(format!("  {class}  {}", count.as_u64().map(number).unwrap_or_default()));
        }
        answer.holds.iter().for_each(|id| say(format!("  the hold {id} must be released first")));
    }
    if answer.holds.is_empty() { Outcome::Good } else { Outcome::Finding }
}

fn events(answer: &CloseControllerResponse) -> Map<String, Value> {
    answer.events.iter().map(|of| (of.retention_class().word(), of.events.into())).collect()
}

/// The certificate is a note of that key, and says what it is.
fn certified(answer: &CloseControllerResponse) -> Result<(), Failure> {
    let bad = |error: &dyn std::fmt::Display| {
        Failure(format!("the controller is closed, but its certificate is not good: {error}"))
    };
    let key: Vkey = answer.verification_key.parse().map_err(|error| bad(&error))?;
    let note = Note::parse(answer.certificate.as_bytes()).map_err(|error| bad(&error))?;
    note.verify(std::slice::from_ref(&key)).map_err(|error| bad(&error))?;
    if note.text().lines().next() == Some(TITLE) { Ok(()) } else { Err(bad(&"it is another note")) }
}

fn hash(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure(format!("{}: {error}", path.display()));
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = std::io::Read::read(&mut file, &mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(&buffer[..read]);
    }
}
