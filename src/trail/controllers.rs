//! Controllers: opening one by a call, and which there are.

use std::sync::Arc;

use prost::Message;
use tokio::sync::oneshot;

use super::acts::ChangeError;
use super::answer::{AskError, blocking};
use super::base::Base;
use super::decision::Decision;
use super::meta;
use super::node::Node;
use super::position::stored_size;
use super::reader::ReadError;
use super::submission::RecordError;
use super::threads::Inbox;
use super::trails::Info;
use crate::model::date::{Timestamp, Zone};
use crate::model::origin::{Controller, Origin};
use crate::model::permission::change::Decided;
use crate::model::profile::Profile;
use crate::model::stored::{NoticeCore, TrailMeta};
use crate::store::{Family, keys};

/// Most time zones that a node counts in: the keys of all of them fit into a slot of the keyring.
pub const ZONES_MAX: usize = 8;

/// A controller that is to be opened.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name.
    pub controller: Controller,
    /// The time zone of its trail; `None`: that of the settings, or whichever it is open in.
    pub zone: Option<Zone>,
    /// What kind of controller it is.
    pub profile: Profile,
    /// Who opens it.
    pub decided: Decided,
}

/// The trail of a controller that is open.
#[derive(Debug, Clone)]
pub struct OpenTrail {
    /// It.
    pub info: Arc<Info>,
    /// Whether it was opened by this call.
    pub opened: bool,
}

/// What is known of a controller's trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Whose it is.
    pub controller: Controller,
    /// Its origin.
    pub origin: Origin,
    /// Origins of the trails that it follows, oldest first: a copy was restored.
    pub past: Vec<String>,
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
    /// Opens a controller's trail, durable before it returns; whether it was this call that did. It need not stand in the settings. One that is open already,
    /// in the same zone or any if none is given, stays as it is, whatever its profile. Cancel-safe: what was handed over
    /// is done.
    ///
    /// # Errors
    ///
    /// Its name or profile is not good, it is open in another zone, there are too many zones, or the disk is full or fails.
    pub async fn open_controller(
        self: &Arc<Self>,
        controller: Controller,
        zone: Option<Zone>,
        profile: Profile,
        decided: Decided,
    ) -> Result<(About, bool), ChangeError> {
        let (answer, made) = oneshot::channel();
        let asked = Asked { controller: controller.clone(), zone, profile, decided };
        self.decide(Inbox::Decide(Box::new(Decision::Open { asked, answer })))?;
        let OpenTrail { opened, .. } = made.await.unwrap_or(Err(RecordError::Uncertain.into()))?;
        let about = self.controller(&controller).await.map_err(|error| {
            tracing::error!(%error, %controller, "a controller is open, but its opening notice cannot be read");
            RecordError::Damaged
        })?;
        Ok((about, opened))
    }

    /// What is known of a controller.
    ///
    /// # Errors
    ///
    /// It has no trail, or reading fails.
    pub async fn controller(self: &Arc<Self>, controller: &Controller) -> Result<About, AskError> {
        let (node, controller) = (self.clone(), controller.clone());
        let about = blocking(move || {
            let meta = meta::description(node.base.db.as_ref(), &controller)?;
            meta.map(|meta| about(&node.base, &meta)).transpose()
        });
        about.await?.ok_or(AskError::NoController)
    }

    /// Controllers that have a trail, by name, from the one after `after` on: at most `limit` that `may_see` says yes to.
    /// The node itself is none.
    ///
    /// # Errors
    ///
    /// Reading fails.
    pub async fn controllers(
        self: &Arc<Self>,
        after: Option<Controller>,
        limit: usize,
        may_see: impl Fn(&Controller) -> bool + Send + 'static,
    ) -> Result<Controllers, AskError> {
        let node = self.clone();
        blocking(move || list(&node.base, after.as_ref(), limit, may_see)).await
    }
}

fn list(
    base: &Base,
    after: Option<&Controller>,
    limit: usize,
    may_see: impl Fn(&Controller) -> bool,
) -> Result<Controllers, ReadError> {
    let mut controllers: Vec<About> = Vec::new();
    for meta in meta::descriptions_after(base.db.as_ref(), after) {
        let meta = meta?;
        let controller = Origin::parse(&meta.origin).map(|origin| origin.controller());
        if !controller.is_some_and(|controller| !controller.is_node() && may_see(&controller)) {
            continue;
        }
        if controllers.len() == limit {
            let next = controllers.last().map(|last| last.controller.clone());
            return Ok(Controllers { controllers, next });
        }
        controllers.push(about(base, &meta)?);
    }
    Ok(Controllers { controllers, next: None })
}

fn about(base: &Base, meta: &TrailMeta) -> Result<About, ReadError> {
    let loss = |what: &str| ReadError::DataLoss { origin: meta.origin.clone(), seq: 0, what: what.to_owned() };
    let origin = Origin::parse(&meta.origin).ok_or_else(|| loss("its description names no origin"))?;
    let controller = origin.controller();
    let opening = base.db.get(Family::Notice, &keys::trail_seq(meta.number, 0))?;
    let opening = opening.ok_or_else(|| loss("its notice is missing"))?;
    let opening = NoticeCore::decode(opening.as_slice()).map_err(|_| loss("its notice is not well-formed"))?;
    // One that nobody uses is not opened for this.
    let size = match base.trails.in_use(&controller) {
        Some(info) => info.size(),
        None => stored_size(base.db.as_ref(), meta.number)?,
    };
    let opened_at = Timestamp::from_nanos(opening.recorded_at);
    let past = meta::past(base.db.as_ref(), &controller)?.into_iter().map(|meta| meta.origin).collect();
    Ok(About { controller, origin, past, zone: meta.zone.clone(), opened_at, size })
}

#[cfg(test)]
mod tests;
