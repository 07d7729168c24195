//! Deactivation: names and e-mail addresses go on a day, and none is taken in meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::acts::{ChangeError, Noted};
use super::super::base::Base;
use super::super::change::Made;
use super::super::group::WriteError;
use super::super::submission::RecordError;
use super::super::trails::Info;
use super::super::vault::{Known, Reseal};
use super::super::writer::{Step, Writer};
use super::everybody::{Everybody, Kind, of};
use super::remove::{Removing, to_tell};
use super::{MASK_DAYS, MASK_DAYS_MAX, told, unknown};
use crate::env::random;
use crate::model::date::Date;
use crate::model::identity::Identity;
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::change::Decided;
use crate::model::permission::grants::GROUND_BYTES_MAX;
use crate::model::removal::row::Place;
use crate::model::removal::told as notice;
use crate::model::stored::Removal;

/// People who are masked in one turn: each takes a key of the keyring, which is written once for all of them.
const TURN: usize = 256;

impl Writer {
    /// Deactivates somebody: rows marked and the removal in the vault, then the notice. Where its day is here, they are
    /// masked at once.
    pub(in crate::trail) fn deactivate(
        &mut self,
        at: &Controller,
        who: &Identity,
        wanted: Option<Date>,
        decided: &Decided,
    ) -> Made<(Noted, Date)> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let (info, known) = match opened(&base, at, who, decided)? {
                Ok(opened) => opened,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let time = base.now().max(info.position().recorded_at);
            // As the trail judges it: by the day on which it is told.
            let today = info.zone.date(time);
            let bucket = base.vault.bucket_of(of(&info), who);
            let standing = removal_of(&base, &info, bucket, who, Kind::Deactivation)?;
            let day = Date::from_days(known.account.mask_on);
            let deactivated = known.account.deactivated_on > 0;
            if deactivated && (known.account.masked || wanted.is_none_or(|wanted| wanted == day)) {
                // Masked, its removal may be gone: then the pseudonyms tell.
                let receipt = match &standing {
                    Some((place, _)) => {
                        let is = |says: &Says| matches!(says, Says::IdentityDeactivated(_));
                        told::first(&base, &info, &place.id, is)?.map(|(receipt, _)| receipt)
                    }
                    None => None,
                };
                let noted = Noted { controller: at.clone(), receipt };
                return Ok(Ok(((noted, day), Step::nothing())));
            }
            let mask_on = wanted.unwrap_or(today.plus_days(MASK_DAYS));
            if let Err(refusal) = day_is_good(at, mask_on, today, deactivated.then_some(day)) {
                return Ok(Err(refusal));
            }
            let id = standing.as_ref().map(|(place, _)| place.id);
            let id = id.unwrap_or_else(|| super::fresh_id(random(base.world.entropy.as_ref())));
            let told = notice::deactivated(&id, mask_on, decided, notice::At { time, zone: &info.zone });
            let removal = Removal {
                told: vec![to_tell(&told, Date::NEVER)],
                namespace: who.namespace.clone(),
                id: who.id.clone(),
                mask_on: mask_on.days(),
                ..Removal::default()
            };
            let controllers = [of(&info)];
            let mut reseal = Reseal::new(&base.vault, &controllers, base.world.entropy.as_ref());
            let first_on = if deactivated { known.account.deactivated_on } else { today.days() };
            reseal.mark(of(&info), bucket, &known.all(), |account| {
                (account.deactivated_on, account.mask_on) = (first_on, mask_on.days());
            })?;
            let key = base.vault.bucket_key(bucket)?;
            let place = standing.map_or(Place { bucket, trail: info.number, id }, |(place, _)| place);
            reseal.removal(of(&info), &place, &key, &removal);
            base.vault.commit_batch(reseal.into_batch(), &known.all())?;
            let (receipts, mut step) = writer.tell_removals(vec![(info.clone(), removal.told)])?;
            if mask_on <= today {
                step = step.and(writer.mask_due()?);
            }
            let noted = Noted { controller: at.clone(), receipt: receipts.into_iter().next() };
            Ok(Ok(((noted, mask_on), step)))
        })
    }

    /// Masks whoever is to be, by the day in the zone of their trail.
    pub(in crate::trail) fn mask_due(&mut self) -> Result<Step, WriteError> {
        let base = self.base();
        let mut step = Step::nothing();
        let due = due(&base)?;
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            let turn: Vec<Removing> = due.by_ref().take(TURN).collect();
            let count = turn.len();
            step = step.and(self.remove(turn)?.1);
            tracing::info!(count, "names and e-mail addresses of people who were deactivated are gone");
        }
        Ok(step)
    }
}

/// Whoever is to be masked by now.
fn due(base: &Base) -> Result<Vec<Removing>, WriteError> {
    let everybody = Everybody::of(base)?;
    let mut due = Vec::new();
    // A clock that may be wrong masks nobody: what cannot be undone waits for somebody's word, as expiry does.
    let waits: BTreeSet<String> =
        base.due().into_iter().filter(|due| due.needs_confirmation).map(|due| due.zone).collect();
    for (place, removal) in everybody.removals(base, &[])? {
        let Some(described) = everybody.info(place.trail) else { continue };
        if Kind::of(&removal) != Kind::Deactivation || waits.contains(described.zone.name()) {
            continue;
        }
        let info = match base.trail(&described.controller) {
            Ok(Some(info)) => info,
            Ok(None) => continue,
            Err(error) if WriteError::from(error.clone()).is_damage() => {
                tracing::error!(%error, "somebody is not masked: their trail cannot be read");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let time = base.now().max(info.position().recorded_at);
        if Date::from_days(removal.mask_on) > info.zone.date(time) {
            continue;
        }
        if let Err(error) = everybody.readable(base, place.bucket) {
            tracing::error!(%error, "somebody is not masked: a row beside theirs cannot be read");
            continue;
        }
        let identity = Identity::new(&removal.namespace, &removal.id);
        let Some(known) = base.vault.known(of(&info), &identity)? else { continue };
        // Their ids stay: nobody is named who leads to their id still.
        let people = if identity.id_is_contact() { &known.pseudonyms[..] } else { &[] };
        let told = notice::masked(&place.id, people, notice::At { time, zone: &info.zone });
        // With what was told before, on which it follows.
        let tell = vec![to_tell(&told, Date::NEVER)];
        let told = removal.told.into_iter().chain(tell.clone()).collect();
        let removal = Removal { told, ..Removal::default() };
        let masked = known.all();
        due.push(Removing { info, place, removal, tell, identity, goes: Vec::new(), masked, stays: true });
    }
    Ok(due)
}

/// The trail, and who somebody is; or why not.
pub(super) fn opened(
    base: &Base,
    at: &Controller,
    who: &Identity,
    decided: &Decided,
) -> Result<Result<(Arc<Info>, Known), ChangeError>, WriteError> {
    if let Err(refusal) = ground_is_good(at, decided) {
        return Ok(Err(refusal));
    }
    let Some(info) = base.trail(at)?.filter(|_| !at.is_node()) else {
        return Ok(Err(RecordError::NoController.into()));
    };
    Ok(match base.vault.known(of(&info), who)? {
        Some(known) => Ok((info, known)),
        None => Err(unknown(at)),
    })
}

/// Who and why.
pub(super) fn ground_is_good(at: &Controller, decided: &Decided) -> Result<(), ChangeError> {
    if (1..=GROUND_BYTES_MAX).contains(&decided.ground.len()) && !decided.by.is_empty() {
        return Ok(());
    }
    Err(ChangeError::field(at, "ground", format!("is required: give 1 to {GROUND_BYTES_MAX} bytes")))
}

fn day_is_good(at: &Controller, mask_on: Date, today: Date, before: Option<Date>) -> Result<(), ChangeError> {
    let field = |why: String| Err(ChangeError::field(at, "mask_on", why));
    match before {
        Some(before) if mask_on > before => {
            field(format!("is later than {before}, on which names and e-mail addresses are to go: give an earlier day"))
        }
        _ if mask_on < today => field(format!("is past: give a day from {today} on")),
        _ if mask_on > today.plus_days(MASK_DAYS_MAX) => {
            let last = today.plus_days(MASK_DAYS_MAX);
            field(format!("is more than {MASK_DAYS_MAX} days ahead: give a day until {last}"))
        }
        _ => Ok(()),
    }
}

/// What stands of somebody in the vault.
pub(super) fn removal_of(
    base: &Base,
    info: &Arc<Info>,
    bucket: u16,
    who: &Identity,
    kind: Kind,
) -> Result<Option<(Place, Removal)>, WriteError> {
    let everybody = Everybody::of(base)?;
    let own = everybody.removals(base, &bucket.to_be_bytes())?.into_iter().find(|(place, removal)| {
        info.of_line(place.trail).is_some()
            && Kind::of(removal) == kind
            && (&removal.namespace, &removal.id) == (&who.namespace, &who.id)
    });
    Ok(own)
}
