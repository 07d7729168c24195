//! Denials: who was refused what is a record, in the trail concerned if there is one, else in the node's own.

use std::sync::Arc;

use super::node::Node;
use super::submission::{RecordError, Submission};
use crate::model::caller::Caller;
use crate::model::event::{Event, Fields};
use crate::model::identity::Identity;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::stored::{
    Action, ActorKind, Attribute, Core, DetailPart, NetPart, Outcome, Purpose, SourceAssurance,
};

/// Who was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Somebody who proved who they are.
    Known {
        /// Name that they are recorded under.
        name: String,
        /// What they are.
        kind: ActorKind,
    },
    /// Somebody who did not, at that address: 4 or 16 bytes; none over a Unix socket.
    Unknown {
        /// The address.
        ip: Vec<u8>,
    },
}

/// Somebody who was refused something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// Who.
    pub who: Who,
    /// Name of the call.
    pub call: &'static str,
    /// What it needs.
    pub permission: Option<Permission>,
    /// For whom; `None` where that was not looked at.
    pub controller: Option<Controller>,
    /// Why, in the words of the decision: for who reads the trail, never for the caller.
    pub why: String,
}

impl Denied {
    /// As an event that happened `count` times.
    fn event(self, event_id: [u8; 16], count: u64) -> Event {
        // None of the LOG_ actions: those are of class LOG_ACCESS, and say that something was shown. Whatever is denied
        // is of class SECURITY.
        let action = match self.permission {
            None => Action::LoginFailed,
            Some(Permission::Record | Permission::Import) => Action::Create,
            Some(Permission::Search | Permission::Watch | Permission::Export) => Action::Search,
            Some(need) if need.reads() => Action::Read,
            Some(_) => Action::ConfigChange,
        };
        let (actor, kind, net) = match self.who {
            Who::Known { name, kind } => (Some(Identity::new(Caller::NAMESPACE, &name)), kind, None),
            Who::Unknown { ip } => (None, ActorKind::Anonymous, Some(NetPart { ip, ..NetPart::default() })),
        };
        let core = Core {
            event_id: event_id.to_vec(),
            action: action as i32,
            event_name: self.call.to_owned(),
            outcome: Outcome::Denied as i32,
            purpose: Purpose::Security as i32,
            record_count: count,
            actor_kind: kind as i32,
            source_service: "akta".to_owned(),
            source_assurance: SourceAssurance::Native as i32,
            ..Core::default()
        };
        let attribute = |key: &str, value: String| Attribute { key: key.to_owned(), value };
        let mut attributes = vec![attribute("denied", self.why)];
        attributes.extend(self.permission.map(|permission| attribute("permission", permission.to_string())));
        // In the node's trail it would not be known else.
        attributes.extend(self.controller.map(|of| attribute("controller", of.to_string())));
        Event::own(Fields {
            core,
            actor,
            net: net.filter(|net| !net.ip.is_empty()),
            detail: Some(DetailPart { attributes, ..DetailPart::default() }),
            ..Fields::default()
        })
    }
}

impl Node {
    /// Records that somebody was refused something, `count` times.
    ///
    /// # Errors
    ///
    /// The disk is nearly full: what anybody can cause must not use up the reserve. Or the writer has stopped.
    pub async fn record_denial(self: &Arc<Self>, denied: Denied, count: u64) -> Result<(), RecordError> {
        let concerned = denied.controller.clone().unwrap_or_else(Controller::node);
        self.admit()?;
        // One that has no trail gets none by being refused, and one that is closed is told nothing more.
        let controller = match self.trail(&concerned).await {
            Ok(info) if self.base.closed_on(&concerned, Some(&info)).is_none() => concerned,
            Ok(_) | Err(_) => Controller::node(),
        };
        let event = denied.event(self.fresh_id().into_bytes(), count);
        let submission = Submission { controller, events: vec![event], may_open: false };
        let pending = self.hand_over(vec![submission], None)?;
        Self::answer(pending).await.map(|_| ())
    }
}
