//! Restriction: somebody's records are left out of ordinary searches, until that is lifted.

use super::super::acts::Noted;
use super::super::base::Base;
use super::super::change::Made;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::vault::{Known, Reseal};
use super::super::writer::{Step, Writer};
use super::deactivate::{opened, removal_of};
use super::everybody::{Kind, of};
use super::remove::to_tell;
use super::told;
use crate::env::random;
use crate::model::date::Date;
use crate::model::identity::{Identity, Pseudonym};
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::change::Decided;
use crate::model::removal::row::Place;
use crate::model::removal::told as notice;
use crate::model::stored::Removal;
use crate::store::Error;

/// The pseudonyms whose records a restriction hides.
pub(super) fn people(base: &Base, info: &Info, removal: &Removal) -> Result<Vec<Pseudonym>, ReadError> {
    if removal.id.is_empty() {
        return Ok(removal.pseudonyms.iter().filter_map(|bytes| Pseudonym::from_slice(bytes)).collect());
    }
    let who = Identity::new(&removal.namespace, &removal.id);
    Ok(base.vault.known(of(info), &who)?.map(|known| known.all()).unwrap_or_default())
}

impl Writer {
    /// Restricts somebody: the removal in the vault, then the notice.
    pub(in crate::trail) fn restrict(&mut self, at: &Controller, who: &Identity, decided: &Decided) -> Made<Noted> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let (info, known) = match opened(&base, at, who, decided)? {
                Ok(opened) => opened,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let bucket = base.vault.bucket_of(of(&info), who);
            if let Some((place, _)) = removal_of(&base, &info, bucket, who, Kind::Restriction)? {
                let first = told::first(&base, &info, &place.id, |says| matches!(says, Says::IdentityRestricted(_)));
                return Ok(Ok((noted(at, first?.map(|(receipt, _)| receipt)), Step::nothing())));
            }
            let id = super::fresh_id(random(base.world.entropy.as_ref()));
            let time = base.now().max(info.position().recorded_at);
            let told = notice::restricted(&id, decided, notice::At { time, zone: &info.zone });
            let removal = Removal {
                told: vec![to_tell(&told, Date::NEVER)],
                namespace: who.namespace.clone(),
                id: who.id.clone(),
                restricted: true,
                ..Removal::default()
            };
            put(&base, &info, &Place { bucket, trail: info.number, id }, &removal)?;
            let (receipts, step) = writer.tell_removals(vec![(info.clone(), removal.told)])?;
            hide(&base, &info, &known);
            Ok(Ok((noted(at, receipts.into_iter().next()), step)))
        })
    }

    /// Lifts a restriction: the notice, then the removal goes.
    pub(in crate::trail) fn lift(&mut self, at: &Controller, who: &Identity, decided: &Decided) -> Made<Noted> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let (info, known) = match opened(&base, at, who, decided)? {
                Ok(opened) => opened,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let bucket = base.vault.bucket_of(of(&info), who);
            let Some((place, _)) = removal_of(&base, &info, bucket, who, Kind::Restriction)? else {
                return Ok(Ok((noted(at, None), Step::nothing())));
            };
            let time = base.now().max(info.position().recorded_at);
            let told = notice::lifted(&place.id, decided, notice::At { time, zone: &info.zone });
            let (receipts, step) = writer.tell_removals(vec![(info.clone(), vec![to_tell(&told, Date::NEVER)])])?;
            end(&base, &[place])?;
            base.vault.hidden().remove(&info.controller, &known.all());
            Ok(Ok((noted(at, receipts.into_iter().next()), step)))
        })
    }
}

fn noted(controller: &Controller, receipt: Option<super::Receipt>) -> Noted {
    Noted { controller: controller.clone(), receipt }
}

fn hide(base: &Base, info: &Info, known: &Known) {
    let own = known.all().into_iter().map(|pseudonym| (info.controller.clone(), pseudonym));
    base.vault.hidden().add(own);
}

/// Puts a removal into the vault, durable when it returns.
pub(super) fn put(base: &Base, info: &Info, place: &Place, removal: &Removal) -> Result<(), Error> {
    let mut reseal = Reseal::new(&base.vault, &[], base.world.entropy.as_ref());
    let key = base.vault.bucket_key(place.bucket)?;
    reseal.removal(of(info), place, &key, removal);
    base.vault.commit_batch(reseal.into_batch(), &[])
}

/// Removals are over.
pub(super) fn end(base: &Base, places: &[Place]) -> Result<(), Error> {
    let mut reseal = Reseal::new(&base.vault, &[], base.world.entropy.as_ref());
    places.iter().for_each(|place| reseal.end(place));
    base.vault.commit_batch(reseal.into_batch(), &[])
}
