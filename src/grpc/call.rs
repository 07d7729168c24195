//! A call that asks or decides something about a controller: who makes it, whether they may, how it is answered.

use prost::Message;
use tonic::{Request, Response, Status};

use super::auth::door::{Door, Forbidden};
use super::auth::pace::Seat;
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Decided;
use crate::model::permission::decide::Permitted;
use crate::trail::acts::ChangeError;
use crate::trail::ask::{Asked, Asker, Ground, Through};
use crate::trail::node::Node;
use crate::trail::submission::RecordError;

/// Who calls what.
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) name: &'static str,
    /// Its place among the questions that are under way.
    _seat: Seat,
}

impl Call {
    /// Passes the door; with what was sent.
    pub(super) async fn of<T: Message>(
        door: &Door,
        request: Request<T>,
        name: &'static str,
    ) -> Result<(Self, T), Status> {
        let (caller, seat) = door.asker(&request, name).await?;
        Ok((Self { caller, name, _seat: seat }, request.into_inner()))
    }

    /// Whether the caller may that for a controller; one that does not exist is not told apart.
    pub(super) fn may(&self, door: &Door, need: Permission, of: &Controller) -> Result<Permitted, Refusal> {
        door.permit(&self.caller, need, of, self.name).map_err(undecided)
    }

    /// Whoever calls decides, for that reason.
    pub(super) fn decides(&self, ground: String) -> Decided {
        Decided { by: self.caller.name().to_owned(), ground }
    }

    /// Whoever calls reads, by what they may: it is named in the record of the read.
    pub(super) fn asks(&self, by: &Permitted, ground: Ground) -> Asker {
        Asker { caller: self.caller.clone(), ground, through: Through::of(by).into_iter().collect() }
    }

    /// Records that rows are about to be shown.
    pub(super) async fn shows(&self, node: &Node, asker: &Asker, of: &Controller, rows: usize) -> Result<(), Refusal> {
        let asked = Asked { call: self.name, shape: "everything".to_owned(), export: false };
        Ok(node.record_read(asker, of, asked, rows).await?)
    }
}

/// What whoever may not decide hears, and whoever decides about a controller that is not there.
pub(super) fn undecided(why: Forbidden) -> Refusal {
    Refusal::forbidden(why, ChangeError::Record(RecordError::NoController))
}

/// The value, if nothing was refused.
pub(super) fn checked<T>(checker: Checker, value: Option<T>) -> Result<T, Refusal> {
    checker.finish(()).map_err(Refusal::invalid)?;
    value.ok_or_else(|| Refusal::invalid(Vec::new()))
}

/// As the API answers.
pub(super) fn reply<T>(answer: Result<T, Refusal>) -> Result<Response<T>, Status> {
    answer.map(Response::new).map_err(Refusal::status)
}
