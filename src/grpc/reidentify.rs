//! Re-identification: names where they are withheld, by a request that was agreed to.
//!
//! The first read by a request uses it, which is a notice of the controller's trail; then it stands for whoever asked for
//! it for one more hour, so that somebody can page through what they found. Each read is on record beside it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::model::caller::Caller;
use crate::model::date::Timestamp;
use crate::model::origin::Controller;
use crate::model::permission::acts::{Acts, Refusal as Unchanged};
use crate::model::permission::approval::{Deed, Standing};
use crate::model::permission::change::{ActId, Change, Decided};
use crate::trail::acts::ChangeError;
use crate::trail::node::Node;

/// How long a request that was used still shows names.
const HOLDS: Duration = Duration::from_secs(3_600);

/// Why a request does not show names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unapproved {
    /// None was named.
    None,
    /// There is none of that id that this caller made for this.
    NotTheirs,
    /// It is not settled, or somebody objected, or it lapsed.
    NotAgreed,
    /// It was used more than an hour ago.
    Over,
}

impl Unapproved {
    /// One word for it, for records and logs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::None => "no-approval",
            Self::NotTheirs => "approval-not-theirs",
            Self::NotAgreed => "approval-not-agreed",
            Self::Over => "approval-over",
        }
    }

    /// What to do.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::None => "ask for approval of a re-identification, and name it in approval_id once another agreed",
            Self::NotTheirs => "approval_id must be a re-identification that you asked for, here",
            Self::NotAgreed => "the request is not agreed to: another person must agree, and nobody object",
            Self::Over => "the request was used more than an hour ago: ask for a new one",
        }
    }
}

/// Why names stay withheld.
pub(super) enum Unopened {
    /// The request does not show them.
    Refused(Unapproved),
    /// Its use could not be recorded.
    Failed(ChangeError),
}

/// What a request comes to for somebody.
enum Use {
    /// It was used, and still holds.
    Holds,
    /// It may be used; whether one person decided.
    First(bool),
}

/// The request by which names are shown to that caller; its use is durable in the trail.
pub(super) async fn by(node: &Arc<Node>, caller: &Caller, of: &Controller, id: &str) -> Result<ActId, Unopened> {
    let refused = |why| Unopened::Refused(why);
    let id: ActId = Uuid::try_parse(id).map_err(|_| refused(Unapproved::NotTheirs))?.to_string().into();
    let look = || judge(&node.acts(of), caller, &id, node.base().now()).map_err(refused);
    let Use::First(alone) = look()? else { return Ok(id) };
    let change = Change::Use { id: id.clone(), alone };
    let decided = Decided { by: caller.name().to_owned(), ground: String::new() };
    match node.change(vec![(of.clone(), change)], decided).await {
        Ok(_) => Ok(id),
        // Another call of theirs was quicker, or somebody objected meanwhile.
        Err(ChangeError::Refused { refusal: Unchanged::Stands(_), .. }) => match look()? {
            Use::Holds => Ok(id),
            Use::First(_) => Err(refused(Unapproved::NotAgreed)),
        },
        Err(error) => Err(Unopened::Failed(error)),
    }
}

fn judge(acts: &Acts, caller: &Caller, id: &ActId, now: Timestamp) -> Result<Use, Unapproved> {
    let theirs = acts.request(id).filter(|request| request.deed == Deed::Reidentification);
    let request = theirs.filter(|request| request.asked.name == caller.name()).ok_or(Unapproved::NotTheirs)?;
    match request.standing(acts.lone(), now) {
        Standing::Agreed => Ok(Use::First(false)),
        Standing::AgreedAlone => Ok(Use::First(true)),
        Standing::Used if request.used.is_some_and(|used| now < used.plus(HOLDS)) => Ok(Use::Holds),
        Standing::Used => Err(Unapproved::Over),
        Standing::Waits(_) | Standing::NeedsAnother | Standing::Refused | Standing::Lapsed => {
            Err(Unapproved::NotAgreed)
        }
    }
}
