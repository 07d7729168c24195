//! What is decided, on its way to the disk: checked against what was decided before, then all of it in one group.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::acts::{ChangeError, Noted};
use super::base::Base;
use super::controllers::{Asked, OpenTrail, ZONES_MAX};
use super::group::{Group, Staged, Target, WriteError};
use super::indexer::Entry;
use super::opening::{Opening, open_trail};
use super::submission::{Receipt, RecordError};
use super::trails::Info;
use super::writer::{Step, Writer};
use crate::model::notice::Told;
use crate::model::origin::Controller;
use crate::model::permission::acts::{Acts, Refusal};
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::told;
use crate::model::record::Contents;

/// What came of a decision: the answer, and what is to be indexed and published before it is given.
pub struct Made<T> {
    /// The answer.
    pub answer: Result<T, ChangeError>,
    /// What was recorded.
    pub step: Step,
}

impl<T> Made<T> {
    pub(super) fn nothing(answer: Result<T, ChangeError>) -> Self {
        Self { answer, step: Step::nothing() }
    }

    pub(super) fn refused(refusal: ChangeError) -> Self {
        Self::nothing(Err(refusal))
    }

    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Made<U> {
        Made { answer: self.answer.map(change), step: self.step }
    }
}

/// One change, checked.
pub(super) struct Planned {
    controller: Controller,
    /// What is to be recorded, and where; `None` where it is so already.
    pub(super) notice: Option<(Target, Told)>,
}

/// The changes of a call, and what is decided once they are durable.
pub(super) type Plan = (Vec<Planned>, BTreeMap<Controller, Acts>);

impl Writer {
    /// Makes changes: all of them or none.
    pub fn change(&mut self, changes: Vec<(Controller, Change)>, decided: &Decided) -> Made<Vec<Noted>> {
        self.change_after(changes, decided, |_| Ok(Ok(())))
    }

    /// The same, where something must be durable before it is told: it is `prepare`d once nothing speaks against it.
    pub(super) fn change_after(
        &mut self,
        changes: Vec<(Controller, Change)>,
        decided: &Decided,
        prepare: impl FnOnce(&Base) -> Result<Result<(), ChangeError>, WriteError>,
    ) -> Made<Vec<Noted>> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let mut group = Group::new(&base);
            let (planned, acts) = match plan(&base, &group, changes, decided) {
                Ok(Ok(plan)) => plan,
                Ok(Err(refusal)) => return Ok(Err(refusal)),
                // Nothing is staged yet: only what cannot be read is refused.
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "a change is refused: the trail cannot be read");
                    return Ok(Err(RecordError::Damaged.into()));
                }
                Err(error) => return Err(error),
            };
            if planned.iter().any(|planned| planned.notice.is_some())
                && let Err(refusal) = prepare(&base)?
            {
                return Ok(Err(refusal));
            }
            let noted = place(&mut group, planned)?;
            let step = writer.commit(group)?;
            for (controller, acts) in acts {
                base.acts.put(controller, acts);
            }
            Ok(Ok((noted, step)))
        })
    }

    /// Opens a controller's trail; what kind of controller it is stands in it from the first batch on.
    pub fn open_controller(&mut self, asked: &Asked) -> Made<OpenTrail> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let opening = match admit(&base, asked) {
                Ok(Admitted::Open(info)) => return Ok(Ok((OpenTrail { info, opened: false }, Step::nothing()))),
                Ok(Admitted::New(opening)) => opening,
                Ok(Admitted::Refused(refusal)) => return Ok(Err(refusal)),
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "a controller is not opened: its trail cannot be read");
                    return Ok(Err(RecordError::Damaged.into()));
                }
                Err(error) => return Err(error),
            };
            let (info, entries) = open_trail(&base, &opening, |_| Ok(()))?;
            if !opening.first.is_empty() {
                let (change, decided) = (Change::Profile(asked.profile.clone()), asked.decided.clone());
                let mut acts = Acts::default();
                acts.apply(change, decided, opening.recorded_at);
                base.acts.put(info.controller.clone(), acts);
            }
            let step = Step::of_opening(&info, entries);
            Ok(Ok((OpenTrail { info, opened: true }, step)))
        })
    }

    pub(super) fn unless_stopped<T>(
        &mut self,
        make: impl FnOnce(&mut Self) -> Result<Result<(T, Step), ChangeError>, WriteError>,
    ) -> Made<T> {
        if let Err(stopped) = self.check_running() {
            return Made::nothing(Err(stopped.into()));
        }
        match make(self) {
            Ok(Ok((answer, step))) => Made { answer: Ok(answer), step },
            Ok(Err(refusal)) => Made::nothing(Err(refusal)),
            Err(error) => {
                self.fail(&error);
                Made::nothing(Err(RecordError::Uncertain.into()))
            }
        }
    }
}

pub(super) fn plan(
    base: &Base,
    group: &Group<'_>,
    changes: Vec<(Controller, Change)>,
    decided: &Decided,
) -> Result<Result<Plan, ChangeError>, WriteError> {
    let mut planned = Vec::with_capacity(changes.len());
    let mut all: BTreeMap<Controller, Acts> = BTreeMap::new();
    for (controller, change) in changes {
        if controller.is_node() {
            return Ok(Err(ChangeError::field(&controller, "controller", "is the node itself: name a controller")));
        }
        let target = match group.target(&controller, false)? {
            Ok(target) => target,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let at = target.recorded_at;
        let acts = match all.remove(&controller) {
            Some(acts) => acts,
            None => match base.acts.readable(&controller) {
                Some(acts) => acts.as_ref().clone(),
                None => return Ok(Err(RecordError::Damaged.into())),
            },
        };
        let mut acts = acts.as_of(at);
        let zone = target.info.as_ref().map_or(&base.settings.zone, |info| &info.zone);
        // What its notice names is what is in force from there on.
        let change = acts.numbered(change);
        let told = acts.check(&change, decided, at).and_then(|()| told::tell(&change, decided, at, zone));
        let notice = match told {
            Ok(told) => {
                acts.apply(change, decided.clone(), at);
                Some((target, told))
            }
            Err(Refusal::Already) => None,
            Err(refusal) => return Ok(Err(ChangeError::Refused { controller, refusal })),
        };
        all.insert(controller.clone(), acts);
        planned.push(Planned { controller, notice });
    }
    Ok(Ok((planned, all)))
}

/// Gives the notices their places, in the order of the changes.
pub(super) fn place(group: &mut Group<'_>, planned: Vec<Planned>) -> Result<Vec<Noted>, WriteError> {
    let mut noted = Vec::with_capacity(planned.len());
    for Planned { controller, notice } in planned {
        let mut receipt = None;
        if let Some((Target { info, recorded_at, .. }, told)) = notice {
            let info = group.stage(info, &controller, recorded_at)?;
            let Staged { sequencer, .. } = group.staged.get_mut(&controller).expect("was staged above");
            let placed = sequencer.notice(told, recorded_at);
            group.entries.push(Entry::of(&info, &placed.header, &Contents::default(), None));
            let (origin, seq) = (info.origin.clone(), placed.header.seq);
            receipt = Some(Receipt { origin, seq, link: placed.link, recorded_at });
        }
        noted.push(Noted { controller, receipt });
    }
    Ok(noted)
}

enum Admitted {
    Open(Arc<Info>),
    New(Opening),
    Refused(ChangeError),
}

/// Whether a controller is open, or may be opened so.
fn admit(base: &Base, asked: &Asked) -> Result<Admitted, WriteError> {
    let Asked { controller, zone, profile, decided } = asked;
    let field = |field, why: String| Ok(Admitted::Refused(ChangeError::field(controller, field, why)));
    if controller.is_node() {
        return field("controller", "is the name of the node itself: choose another".to_owned());
    }
    if let Some(info) = base.trail(controller)? {
        if let Some(on) = base.closed_on(controller, Some(&info)) {
            return Ok(Admitted::Refused(RecordError::Closed { on }.into()));
        }
        let other = zone.as_ref().is_some_and(|zone| *zone != info.zone);
        let refusal = ChangeError::Zone { controller: controller.clone(), zone: info.zone.name().to_owned() };
        return Ok(if other { Admitted::Refused(refusal) } else { Admitted::Open(info) });
    }
    let zone = zone.as_ref().unwrap_or(&base.settings.zone);
    let zones = base.keyring.inventory().zones;
    if zones.len() >= ZONES_MAX && !zones.iter().any(|known| known.zone == zone.name()) {
        let known: Vec<&str> = zones.iter().map(|known| known.zone.as_str()).collect();
        let why = format!(
            "a node counts in at most {ZONES_MAX} time zones: give one of {}, or open it on another node",
            known.join(", ")
        );
        return field("zone", why);
    }
    let recorded_at = base.now();
    let change = Change::Profile(profile.clone());
    let first = match Acts::default().check(&change, decided, recorded_at) {
        Err(Refusal::Already) => Ok(None),
        checked => checked.and_then(|()| told::tell(&change, decided, recorded_at, zone)).map(Some),
    };
    Ok(match first {
        Err(refusal) => Admitted::Refused(ChangeError::Refused { controller: controller.clone(), refusal }),
        Ok(first) => Admitted::New(Opening {
            controller: controller.clone(),
            zone: zone.clone(),
            recorded_at,
            predecessor: None,
            first: first.into_iter().collect(),
        }),
    })
}

#[cfg(test)]
mod tests;
