//! What a verification found, as a message.

use super::super::api;
use crate::grpc::time::wire;
use crate::trail::verify::Verified;

/// The last message of a verification.
pub fn verified(verified: Verified) -> api::VerifyTrailResponse {
    let Verified { report, findings, checkpoint, finished_at } = verified;
    let findings = findings.into_iter().map(|finding| api::Finding { seq: finding.seq, what: finding.what }).collect();
    api::VerifyTrailResponse {
        verified: report.records,
        size: report.size,
        report: Some(api::VerificationReport {
            origin: report.origin,
            records: report.records,
            notices: report.notices,
            groups_intact: report.groups_intact,
            groups_expired: report.groups_expired,
            groups_sealed: report.groups_sealed,
            groups_held: report.groups_held,
            root: report.root.0.to_vec(),
            head: report.head.0.to_vec(),
            checkpoint: checkpoint.unwrap_or_default(),
            findings,
            finished_at: Some(wire(finished_at)),
        }),
    }
}
