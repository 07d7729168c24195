//! Changes: what can be decided about a controller by a call. Each becomes a notice in the controller's own trail.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Permission;
use super::approval::Deed;
use super::grants::Span;
use super::holder::Holder;
use super::policy::Staff;
use crate::model::closing::Closing;
use crate::model::date::Date;
use crate::model::profile::Profile;
use crate::model::retention::choice::Choice;
use crate::model::stored::HoldKind;

/// Id of an act: a UUID as text, lower case with hyphens.
pub type ActId = Arc<str>;

/// What is decided about one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// What kind of controller it is.
    Profile(Profile),
    /// How long records live from here on, where it is not as the policy says.
    Retention {
        /// Which choice of this controller it is, from 1; 0: the next one.
        number: u32,
        /// All of it: classes that are not in it live as the policy says.
        choice: Choice,
    },
    /// Whether one person of its own staff may approve alone, after a wait.
    LoneApproval(bool),
    /// Somebody of the vendor's staff is let in.
    Grant {
        /// Its id.
        id: ActId,
        /// To whom.
        holder: Holder,
        /// For what.
        permissions: BTreeSet<Permission>,
        /// When.
        span: Span,
    },
    /// An incident: security may search without names.
    Incident {
        /// Its id, the same in the trail of every controller concerned.
        id: ActId,
        /// When.
        span: Span,
    },
    /// A grant or an incident is over before its time.
    End(ActId),
    /// Somebody asks for what nobody may do alone.
    Ask {
        /// Its id.
        id: ActId,
        /// What for.
        deed: Deed,
        /// Concerning whom or what: `NAMESPACE:ID` of a person, or the name of what is to be handed out.
        concerning: String,
        /// On whose side whoever asks works.
        staff: Staff,
    },
    /// Somebody agrees or objects.
    Answer {
        /// What was asked.
        id: ActId,
        /// Whether they agree.
        agrees: bool,
    },
    /// What was asked for is being done.
    Use {
        /// What was asked.
        id: ActId,
        /// Whether one person decided it, after the wait.
        alone: bool,
    },
    /// Named parts are kept past their date.
    PlaceHold {
        /// Its id.
        id: ActId,
        /// For a case, or as long as a contract runs.
        kind: HoldKind,
        /// Records that it covers now.
        records: u64,
        /// The day by which somebody must look whether it is still needed.
        review_on: Date,
        /// Who answers for it.
        owner: String,
        /// What it keeps, as the notice tells it.
        selection: Vec<(String, String)>,
    },
    /// Somebody looked whether a hold is still needed: it is.
    ReviewHold {
        /// Which hold.
        id: ActId,
        /// The day by which somebody must look again.
        review_on: Date,
    },
    /// A hold is over, and what it kept past its date is gone.
    ReleaseHold(ActId),
    /// The controller's end: everything that it entrusted is destroyed.
    Close(Closing),
}

/// Who decides, and why. The ground may be empty where a change needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The name that they are recorded under.
    pub by: String,
    /// Why: a ticket, a contract, an instruction; at most 256 bytes.
    pub ground: String,
}
