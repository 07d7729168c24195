//! A checkpoint from outside: whose signature counts, and whether the trail continues it.

use std::path::Path;

use super::Failure;
use crate::model::checkpoint::{Checkpoint, CheckpointError};
use crate::model::handover::{FollowError, Handover, Handovers};
use crate::model::note::{Note, NoteError};
use crate::model::tlog_proof::TlogProof;
use crate::model::vkey::{Scheme, Vkey};
use crate::trail::base::Base;
use crate::trail::position::stored_size;
use crate::trail::trails::Info;
use crate::trail::verify::{Finding, Report};

/// What somebody kept, and the key that they trust.
pub(super) struct Outside {
    note: Note,
    pub(super) checkpoint: Checkpoint,
    trusted: Vkey,
    /// The trusted key itself signed it; else one that it leads to must have.
    signed: bool,
}

/// What a folder makes of it.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// The handovers that lead from the trusted key to the one that signed.
    pub(super) followed: Vec<Handover>,
    pub(super) findings: Vec<Finding>,
}

impl Outside {
    /// Reads a checkpoint, or a proof with one.
    pub(super) fn read(file: &Path, vkey: &Vkey) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", file.display()));
        let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
        let note = match TlogProof::parse(&bytes) {
            Ok(proof) => proof.checkpoint,
            Err(_) => Note::parse(&bytes).map_err(|error| failed(&error))?,
        };
        let trusted = vkey.clone();
        match Checkpoint::of(&note, vkey) {
            Ok(checkpoint) => Ok(Self { note, checkpoint, trusted, signed: true }),
            // By a key that came after it, perhaps: the trail's notices tell.
            Err(CheckpointError::Note(NoteError::Unknown)) if vkey.scheme() == Scheme::Note => {
                let checkpoint = Checkpoint::parse(note.text()).map_err(|error| failed(&error))?;
                if checkpoint.origin != vkey.name() {
                    return Err(failed(&NoteError::Unknown));
                }
                Ok(Self { note, checkpoint, trusted, signed: false })
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Whether the right key signed it, and whether the trail of its origin continues it.
    ///
    /// # Errors
    ///
    /// No key that follows from the trusted one signed it: it says nothing about the folder.
    pub(super) fn judge(&self, base: &Base, report: &Report) -> Result<Judged, Failure> {
        let nothing = Handovers::default();
        let trail = report.trails.iter().find(|trail| trail.origin == self.checkpoint.origin);
        let handovers = trail.map_or(&nothing, |trail| &trail.handovers);
        let broken = report.findings.iter().any(|finding| finding.origin == self.checkpoint.origin);
        let mut judged = match self.signer(handovers) {
            // How keys follow each other is not known, so neither is who signed.
            Err(_) if broken || trail.is_none() => {
                let what = "whether the key that you trust leads to the one that signed the checkpoint cannot be told";
                Judged { findings: vec![self.finding(what.to_owned())], ..Judged::default() }
            }
            judged => judged?,
        };
        judged.findings.extend(self.continues(base));
        Ok(judged)
    }

    /// Whether the key in force at its size signed it, or why its signature does not count.
    fn signer(&self, handovers: &Handovers) -> Result<Judged, Failure> {
        let (key, followed) = match handovers.from(&self.trusted, self.checkpoint.size) {
            Ok(found) => found,
            Err(FollowError::Later(size)) if self.signed => {
                let what = format!("the checkpoint is signed by a key that signs from record {size} on only");
                return Ok(Judged { findings: vec![self.finding(what)], ..Judged::default() });
            }
            Err(error) if self.signed => {
                return Ok(Judged { findings: vec![self.finding(error.to_string())], ..Judged::default() });
            }
            Err(error) => return Err(error.into()),
        };
        match (followed.first(), Checkpoint::of(&self.note, key)) {
            (_, Ok(_)) => Ok(Judged { followed: followed.to_vec(), findings: Vec::new() }),
            // By the trusted one, though it had handed over: whoever has an old key can sign with it, and it counts for
            // nothing.
            (Some(first), Err(_)) if self.signed => {
                let what = format!("the checkpoint is signed by a key that was replaced at record {}", first.size);
                Ok(Judged { findings: vec![self.finding(what)], ..Judged::default() })
            }
            (_, Err(error)) => Err(error.into()),
        }
    }

    /// Whether the trail of that origin continues the checkpoint.
    fn continues(&self, base: &Base) -> Option<Finding> {
        let checkpoint = &self.checkpoint;
        let finding = |what: &str| Some(self.finding(what.to_owned()));
        let meta = base.descriptions().ok()?.into_iter().find(|meta| meta.origin == checkpoint.origin);
        let Some(info) = meta.and_then(|meta| Info::new(&meta, &base.keyring)) else {
            return finding("the checkpoint is of a trail that this folder does not hold");
        };
        match stored_size(base.db.as_ref(), info.number) {
            Ok(size) if size < checkpoint.size => {
                finding("the trail has fewer records than the checkpoint: some are gone")
            }
            Ok(_) => match base.root(&info, checkpoint.size) {
                Ok(head) if head.root == checkpoint.root => None,
                Ok(_) => finding("the trail does not continue the checkpoint: records were changed or replaced"),
                Err(error) => finding(&error.to_string()),
            },
            Err(error) => finding(&error.to_string()),
        }
    }

    fn finding(&self, what: String) -> Finding {
        Finding { origin: self.checkpoint.origin.clone(), seq: None, what }
    }
}
