//! A controller's end.

use super::super::api::close_controller_request::Returned;
use super::super::api::{self, CloseControllerRequest, CloseControllerResponse};
use super::{Controllers, convert};
use crate::grpc::call::{Call, checked};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::closing::Export;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::policy::Class;
use crate::model::stored::ClassCount;
use crate::trail::closing::Asked;

impl Controllers {
    /// Whoever may erase somebody may, by a request that another agreed to, erase everybody: the same deed.
    pub(super) async fn end(
        &self,
        call: &Call,
        request: CloseControllerRequest,
    ) -> Result<CloseControllerResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let of = checked(checker, of)?;
        // Looked at first, so that nobody else hears whether it is closed.
        call.may(&self.door, Permission::Erase, &of)?;
        if self.node.acts(&of).closed().is_some() {
            // Nothing that it goes by counts any more; it waits until what was told is done.
            let nothing = Asked { approval: None, export: None };
            self.node.close_controller(&of, nothing, call.decides(String::new())).await?;
            return self.certified(&of, false).await;
        }
        if request.dry_run {
            return self.preview(&of).await;
        }
        let mut checker = Checker::default();
        let approval = match request.approval_id.is_empty() && call.caller.is_dev() {
            true => Some(None),
            false => convert::approval_id(&request.approval_id, &mut checker).map(Some),
        };
        let ground = convert::reason(request.ground, &mut checker);
        let export = returned(request.returned, &mut checker);
        let (approval, export) = checked(checker, approval.zip(export))?;
        let closed = self.node.close_controller(&of, Asked { approval, export }, call.decides(ground)).await?;
        self.certified(&of, closed.now).await
    }

    async fn certified(&self, of: &Controller, closed: bool) -> Result<CloseControllerResponse, Refusal> {
        let certificate = self.node.certificate(of).await?;
        Ok(CloseControllerResponse {
            receipt: Some(convert::change_receipt(&certificate.receipt)),
            closed,
            certificate: certificate.note,
            verification_key: certificate.verification_key,
            size: certificate.closing.size,
            events: counts(&certificate.closing.events),
            ..CloseControllerResponse::default()
        })
    }

    async fn preview(&self, of: &Controller) -> Result<CloseControllerResponse, Refusal> {
        let preview = self.node.what_closing_destroys(of).await?;
        Ok(CloseControllerResponse {
            size: preview.counts.size,
            events: counts(&preview.counts.events),
            people: preview.people,
            holds: preview.holds.iter().map(ToString::to_string).collect(),
            ..CloseControllerResponse::default()
        })
    }
}

fn counts(events: &std::collections::BTreeMap<Class, u64>) -> Vec<ClassCount> {
    let count = |(class, events): (&Class, &u64)| ClassCount { retention_class: class.word().into(), events: *events };
    events.iter().map(count).collect()
}

/// What was handed out before. That nothing was must be said.
fn returned(given: Option<Returned>, checker: &mut Checker) -> Option<Option<Export>> {
    const NEITHER: &str = "is required: hand out a complete export and give its hash and size, or say without_export";
    match given {
        Some(Returned::Export(api::CompleteExport { sha256, size })) => {
            let sha256 = <[u8; 32]>::try_from(sha256).ok();
            if sha256.is_none() {
                checker.refuse("export.sha256", "must be 32 bytes: the SHA-256 of the file");
            }
            if size == 0 {
                checker.refuse("export.size", "is required: \"size\" in the last line of the export");
            }
            sha256.map(|sha256| Some(Export { sha256, size }))
        }
        Some(Returned::WithoutExport(true)) => Some(None),
        Some(Returned::WithoutExport(false)) | None => {
            checker.refuse("export", NEITHER);
            None
        }
    }
}
