//! What controllers have decided: folded from the notices of their trails, changed by one more notice.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::node::Node;
use super::submission::{Receipt, RecordError};
use crate::model::origin::Controller;
use crate::model::permission::acts::{Acts, Refusal};
use crate::model::permission::change::{Change, Decided};

/// What controllers have decided, by controller.
#[derive(Debug, Default)]
pub struct Registry {
    acts: RwLock<HashMap<Controller, Arc<Acts>>>,
    /// Of a controller that decided nothing, or has no trail.
    none: Arc<Acts>,
}

impl Registry {
    /// What that controller has decided. Of one without a trail it is nothing, found by the same steps.
    pub fn of(&self, controller: &Controller) -> Arc<Acts> {
        let acts = self.acts.read().unwrap_or_else(PoisonError::into_inner);
        acts.get(controller).unwrap_or(&self.none).clone()
    }

    /// Its notices are durable and say that.
    pub(super) fn put(&self, controller: Controller, acts: Acts) {
        self.acts.write().unwrap_or_else(PoisonError::into_inner).insert(controller, Arc::new(acts));
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
    /// It is open in another time zone, which is fixed for good.
    #[error("the trail is open in the time zone {zone}, which is fixed for good: leave zone out, or give that one")]
    Zone {
        /// For whom.
        controller: Controller,
        /// The zone that it counts in.
        zone: String,
    },
    /// It could not be recorded, or there is no such controller.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Node {
    /// TODO
    pub fn region(&self) -> &str {
        ""
    }

    /// What that controller has decided.
    pub fn acts(&self, controller: &Controller) -> Arc<Acts> {
        self.base().acts.of(controller)
    }

    /// Makes these changes: all of them, durable together, or none.
    ///
    /// # Errors
    ///
    /// One of them cannot be made, a controller has no trail, or the disk is full or fails.
    pub async fn change(
        self: &Arc<Self>,
        _changes: Vec<(Controller, Change)>,
        _decided: Decided,
    ) -> Result<Vec<Noted>, ChangeError> {
        Err(RecordError::Busy { reason: "not there yet" }.into())
    }
}
