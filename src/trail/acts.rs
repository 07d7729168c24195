//! What controllers have decided: folded from the notices of their trails, changed by one more notice.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::node::Node;
use super::submission::{Receipt, RecordError};
use super::answer::AskError;
use crate::model::date::{Timestamp, Zone};
use crate::model::origin::{Controller, Origin};
use crate::model::profile::Profile;
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
    /// It could not be recorded, or there is no such controller.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What is known of a controller that has a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub controller: Controller,
    /// Origin of its trail.
    pub origin: Origin,
    /// IANA time zone.
    pub zone: String,
    /// When its trail was opened.
    pub opened_at: Timestamp,
    /// Number of records.
    pub size: u64,
}

/// A controller that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What is known of it.
    pub known: Known,
    /// Whether it was opened by this call.
    pub opened: bool,
}

impl Node {
    /// TODO
    pub async fn open_controller(
        self: &Arc<Self>,
        _controller: Controller,
        _zone: Option<Zone>,
        _profile: Profile,
        _decided: Decided,
    ) -> Result<Opened, ChangeError> {
        Err(RecordError::Busy { reason: "not there yet" }.into())
    }

    /// TODO
    pub async fn controllers(self: &Arc<Self>) -> Result<Vec<Controller>, AskError> {
        Ok(Vec::new())
    }

    /// TODO
    pub async fn known(self: &Arc<Self>, _controller: &Controller) -> Result<Option<Known>, AskError> {
        Ok(None)
    }

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
