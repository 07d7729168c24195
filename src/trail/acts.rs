//! What controllers have decided: folded from the notices of their trails, changed by one more notice.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::oneshot;

use super::decision::Decision;
use super::node::Node;
use super::submission::{Receipt, RecordError};
use super::threads::Inbox;
use crate::model::origin::Controller;
use crate::model::permission::acts::{Acts, Refusal};
use crate::model::permission::change::{Change, Decided};
use crate::model::retention::in_force::Retention;

/// Most changes of one call.
pub const CHANGES_MAX: usize = 1_000;

/// What controllers have decided, by controller.
#[derive(Debug, Default)]
pub struct Registry {
    acts: RwLock<HashMap<Controller, Decisions>>,
    /// Of a controller that decided nothing, or has no trail.
    none: Arc<Acts>,
}

/// What one controller has decided.
#[derive(Debug, Clone)]
struct Decisions {
    /// `None`: it cannot be read.
    acts: Option<Arc<Acts>>,
    /// The policy for its events: the last that can be read.
    retention: Arc<Retention>,
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
        acts.get(controller).map_or_else(|| Some(self.none.clone()), |decisions| decisions.acts.clone())
    }

    /// The policy in force for that controller's events; the one that is shipped if it chose nothing. If its notices cannot
    /// all be read, that of the last choice that can be: every policy is within what the law allows, and nothing goes
    /// unrecorded because of a damaged notice.
    pub fn retention(&self, controller: &Controller) -> Arc<Retention> {
        let acts = self.acts.read().unwrap_or_else(PoisonError::into_inner);
        acts.get(controller).map_or_else(|| self.none.retention().clone(), |decisions| decisions.retention.clone())
    }

    /// Its notices are durable and say that.
    pub(super) fn put(&self, controller: Controller, acts: Acts) {
        let retention = acts.retention().clone();
        self.set(controller, Decisions { acts: Some(Arc::new(acts)), retention });
    }

    /// Its notices cannot all be read; of those that can, the last that chose lifetimes chose these.
    pub(super) fn put_unreadable(&self, controller: Controller, retention: Arc<Retention>) {
        self.set(controller, Decisions { acts: None, retention });
    }

    fn set(&self, controller: Controller, decisions: Decisions) {
        self.acts.write().unwrap_or_else(PoisonError::into_inner).insert(controller, decisions);
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

    /// The same; `None` if its notices cannot be read.
    pub fn readable_acts(&self, controller: &Controller) -> Option<Arc<Acts>> {
        self.base().acts.readable(controller)
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
