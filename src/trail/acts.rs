//! What controllers have decided: folded from the notices of their trails, changed by one more notice.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::oneshot;

use super::node::Node;
use super::submission::{Receipt, RecordError};
use super::threads::{Decision, Inbox};
use crate::model::origin::Controller;
use crate::model::permission::acts::{Acts, Refusal};
use crate::model::permission::change::{Change, Decided};

/// Most changes of one call.
pub const CHANGES_MAX: usize = 1_000;

/// What controllers have decided, by controller.
#[derive(Debug, Default)]
pub struct Registry {
    /// `None`: it cannot be read.
    acts: RwLock<HashMap<Controller, Option<Arc<Acts>>>>,
    /// Of a controller that decided nothing, or has no trail.
    none: Arc<Acts>,
}

impl Registry {
    /// What that controller has decided. Of one without a trail it is nothing, found by the same steps; so it is of one
    /// whose notices cannot be read.
    pub fn of(&self, controller: &Controller) -> Arc<Acts> {
        self.readable(controller).unwrap_or_else(|| self.none.clone())
    }

    /// The same; `None` if it cannot be read.
    pub(super) fn readable(&self, controller: &Controller) -> Option<Arc<Acts>> {
        let acts = self.acts.read().unwrap_or_else(PoisonError::into_inner);
        acts.get(controller).cloned().unwrap_or_else(|| Some(self.none.clone()))
    }

    /// Its notices are durable and say that.
    pub(super) fn put(&self, controller: Controller, acts: Acts) {
        self.set(controller, Some(Arc::new(acts)));
    }

    /// Its notices cannot be read.
    pub(super) fn put_unreadable(&self, controller: Controller) {
        self.set(controller, None);
    }

    fn set(&self, controller: Controller, acts: Option<Arc<Acts>>) {
        self.acts.write().unwrap_or_else(PoisonError::into_inner).insert(controller, acts);
    }
}

/// Where a change is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Whose trail.
    pub controller: Controller,
    /// The notice; `None` where it was so already, and nothing was recorded.
    pub receipt: Option<Receipt>,
}

/// Why a change is not made; then nothing of the call is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It does not follow from what is decided.
    #[error("{refusal}")]
    Refused {
        /// For whom.
        controller: Controller,
        /// Why.
        refusal: Refusal,
    },
    /// It is open in another time zone.
    #[error("zone: {controller} is open in another time zone, {zone}, for good: give that one, or leave it out")]
    Zone {
        /// Which controller.
        controller: Controller,
        /// Its time zone.
        zone: String,
    },
    /// It could not be recorded, or there is no such controller.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl ChangeError {
    pub(super) fn field(controller: &Controller, field: &'static str, why: impl Into<String>) -> Self {
        Self::Refused { controller: controller.clone(), refusal: Refusal::Field { field, why: why.into() } }
    }
}

impl Node {
    /// What that controller has decided.
    pub fn acts(&self, controller: &Controller) -> Arc<Acts> {
        self.base().acts.of(controller)
    }

    /// Makes these changes: all of them, durable together, or none. Cancel-safe: what was handed over is made.
    ///
    /// # Errors
    ///
    /// One of them cannot be made, a controller has no trail, or the disk is full or fails.
    pub async fn change(
        self: &Arc<Self>,
        changes: Vec<(Controller, Change)>,
        decided: Decided,
    ) -> Result<Vec<Noted>, ChangeError> {
        if let Some((controller, _)) = changes.get(CHANGES_MAX) {
            let why = format!("are {}, the limit is {CHANGES_MAX} in one call: make several", changes.len());
            return Err(ChangeError::field(controller, "controllers", why));
        }
        let (answer, made) = oneshot::channel();
        self.decide(Inbox::Decide(Box::new(Decision::Change { changes, decided, answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }

    /// Hands a decision to the writer. As what the node writes for itself it may use the reserve: who is let in must be
    /// decided on a full disk, too.
    pub(super) fn decide(&self, decision: Inbox) -> Result<(), RecordError> {
        self.inbox.send(decision).map_err(|_| RecordError::Busy { reason: "akta is closing" })
    }
}
