//! Placeholder.

use std::sync::Arc;

use super::acts::ChangeError;
use super::answer::AskError;
use super::node::Node;
use super::submission::RecordError;
use crate::model::date::{Timestamp, Zone};
use crate::model::origin::{Controller, Origin};
use crate::model::permission::change::Decided;
use crate::model::profile::Profile;

/// What is known of a controller's trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Whose it is.
    pub controller: Controller,
    /// Its origin.
    pub origin: Origin,
    /// IANA name of its time zone.
    pub zone: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Number of records.
    pub size: u64,
}

/// A page of controllers, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controllers {
    /// Those of them that may be seen.
    pub controllers: Vec<About>,
    /// The page goes on after this one; `None` after the last.
    pub next: Option<Controller>,
}

impl Node {
    /// TODO
    pub async fn open_controller(
        self: &Arc<Self>,
        _controller: Controller,
        _zone: Option<Zone>,
        _profile: Profile,
        _decided: Decided,
    ) -> Result<(About, bool), ChangeError> {
        Err(RecordError::Busy { reason: "not there yet" }.into())
    }

    /// TODO
    pub async fn controller(self: &Arc<Self>, _controller: &Controller) -> Result<About, AskError> {
        Err(AskError::NoController)
    }

    /// TODO
    pub async fn controllers(
        self: &Arc<Self>,
        _after: Option<Controller>,
        _limit: usize,
        _may_see: impl Fn(&Controller) -> bool + Send + 'static,
    ) -> Result<Controllers, AskError> {
        Err(AskError::NoController)
    }
}
