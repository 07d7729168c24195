//! What is decided, on its way to the writer's thread, and back.

use std::sync::mpsc::SyncSender;

use tokio::sync::oneshot;

use super::acts::{ChangeError, Noted};
use super::change::Made;
use super::controllers::{Asked, OpenTrail};
use super::hold::Placing;
use super::identity::{Erasing, Erasure};
use super::threads::{IndexJob, publish};
use super::writer::Writer;
use crate::model::date::Date;
use crate::model::identity::Identity;
use crate::model::origin::Controller;
use crate::model::permission::change::{ActId, Change, Decided};

/// What is decided about controllers, and where the answer goes.
pub(super) enum Decision {
    Change {
        changes: Vec<(Controller, Change)>,
        decided: Decided,
        answer: oneshot::Sender<Result<Vec<Noted>, ChangeError>>,
    },
    PlaceHold {
        of: Controller,
        placing: Box<Placing>,
        decided: Decided,
        answer: oneshot::Sender<Result<Noted, ChangeError>>,
    },
    ReleaseHold {
        of: Controller,
        id: ActId,
        decided: Decided,
        answer: oneshot::Sender<Result<Noted, ChangeError>>,
    },
    Deactivate {
        of: Controller,
        who: Identity,
        mask_on: Option<Date>,
        decided: Decided,
        answer: oneshot::Sender<Result<(Noted, Date), ChangeError>>,
    },
    Restrict {
        of: Controller,
        who: Identity,
        on: bool,
        decided: Decided,
        answer: oneshot::Sender<Result<Noted, ChangeError>>,
    },
    Erase {
        of: Controller,
        erasing: Box<Erasing>,
        decided: Decided,
        answer: oneshot::Sender<Result<Erasure, ChangeError>>,
    },
    Open {
        asked: Asked,
        answer: oneshot::Sender<Result<OpenTrail, ChangeError>>,
    },
}

impl Decision {
    /// Makes it; whether something may have been removed of somebody, of which bytes are left.
    pub(super) fn make(self, writer: &mut Writer, index: &SyncSender<IndexJob>) -> bool {
        let removes = matches!(self, Self::Erase { .. } | Self::Deactivate { .. });
        match self {
            Self::Deactivate { of, who, mask_on, decided, answer } => {
                let Made { answer: made, mut step } = writer.deactivate(&of, &who, mask_on, &decided);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::Restrict { of, who, on, decided, answer } => {
                let made = if on { writer.restrict(&of, &who, &decided) } else { writer.lift(&of, &who, &decided) };
                let Made { answer: made, mut step } = made;
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::Erase { of, erasing, decided, answer } => {
                let Made { answer: made, mut step } = writer.erase(&of, *erasing, &decided);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::Change { changes, decided, answer } => {
                let Made { answer: made, mut step } = writer.change(changes, &decided);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::PlaceHold { of, placing, decided, answer } => {
                let Made { answer: made, mut step } = writer.place_hold(&of, &placing, &decided);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::ReleaseHold { of, id, decided, answer } => {
                let Made { answer: made, mut step } = writer.release_hold(&of, &id, &decided);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
            Self::Open { asked, answer } => {
                let Made { answer: made, mut step } = writer.open_controller(&asked);
                publish(writer, &mut step, index);
                let _ = answer.send(made);
            }
        }
        removes
    }
}
