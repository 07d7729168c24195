//! Removing: the order of an erasure and of masking.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::base::Base;
use super::super::group::{Group, Staged, WriteError};
use super::super::indexer::Entry;
use super::super::keyring;
use super::super::submission::Receipt;
use super::super::trails::Info;
use super::super::vault::{Reseal, Row};
use super::super::writer::{Step, Writer};
use super::everybody::{Everybody, Kind, of};
use crate::model::date::Date;
use crate::model::identity::{Identity, Pseudonym};
use crate::model::notice::Told;
use crate::model::record::Contents;
use crate::model::removal::row::Place;
use crate::model::removal::told;
use crate::model::stored::{NoticeCore, Removal, RemovalTold};

/// Something that is removed of somebody.
pub(super) struct Removing {
    /// Whose trail tells of it.
    pub(super) info: Arc<Info>,
    /// Where it stands in the vault meanwhile.
    pub(super) place: Place,
    /// What stands there.
    pub(super) removal: Removal,
    /// What is told now.
    pub(super) tell: Vec<RemovalTold>,
    /// Who it is about.
    pub(super) identity: Identity,
    /// Pseudonyms that lead to nobody any more.
    pub(super) goes: Vec<Pseudonym>,
    /// Pseudonyms of whom names and e-mail addresses go.
    pub(super) masked: Vec<Pseudonym>,
    /// They are known by other pseudonyms still: what was decided about them holds on.
    pub(super) stays: bool,
}

impl Removing {
    fn changes_rows(&self) -> bool {
        !self.goes.is_empty() || !self.masked.is_empty()
    }

    fn fate(&self, info: &crate::model::origin::Controller, pseudonym: &Pseudonym) -> Option<Row> {
        if *info != self.info.controller {
            None
        } else if self.goes.contains(pseudonym) {
            Some(Row::Goes)
        } else {
            self.masked.contains(pseudonym).then_some(Row::Masked)
        }
    }

    /// What becomes of a removal of the same bucket: of whoever is wholly gone nothing lasts, and of whoever is masked no id
    /// does that is contact data.
    fn of_other(&self, place: &Place, removal: Removal) -> Option<Removal> {
        let theirs = self.info.of_line(place.trail).is_some()
            && (&removal.namespace, &removal.id) == (&self.identity.namespace, &self.identity.id);
        if !theirs || matches!(Kind::of(&removal), Kind::UnderWay | Kind::Done) {
            return Some(removal);
        }
        if !self.stays {
            return None;
        }
        if !self.masked.is_empty() && self.identity.id_is_contact() {
            let pseudonyms = self.masked.iter().map(|pseudonym| pseudonym.0.to_vec()).collect();
            let stays = Kind::of(&removal) == Kind::Restriction;
            return stays.then(|| Removal { id: String::new(), pseudonyms, ..removal });
        }
        Some(removal)
    }
}

/// What a notice says, as the vault keeps it until it is told.
pub(super) fn to_tell(told: &Told, latest: Date) -> RemovalTold {
    let core = NoticeCore { kind: Some(told.says.clone()), ..NoticeCore::default() };
    RemovalTold { core: Some(core), slices: told.slices.clone(), latest: latest.days() }
}

impl Writer {
    /// Removes, in the order of [`super`]; the receipt of the first notice of each. What is left to be done is said by the vault.
    pub(super) fn remove(&mut self, mut all: Vec<Removing>) -> Result<(Vec<Receipt>, Step), WriteError> {
        let base = self.base();
        let entropy = base.world.entropy.as_ref();
        let everybody = Everybody::of(&base)?;
        let controllers = everybody.all();
        let buckets: BTreeSet<u16> = all.iter().filter(|one| one.changes_rows()).map(|one| one.place.bucket).collect();
        let buckets: Vec<u16> = buckets.into_iter().collect();

        let mut reseal = Reseal::new(&base.vault, &controllers, entropy);
        // Nothing is written before it is known that all of it can be read.
        base.keyring.add_fresh(&buckets, entropy)?;
        for bucket in &buckets {
            let fresh = base.keyring.bucket_keys(*bucket).and_then(|keys| keys.fresh);
            let fresh = fresh.ok_or(keyring::Error::Damaged)?;
            let own = || all.iter().filter(|one| one.place.bucket == *bucket);
            let fate = |controller: &_, pseudonym: &_| own().find_map(|one| one.fate(controller, pseudonym));
            reseal.rows(*bucket, &fresh, |controller, pseudonym| fate(controller, pseudonym).unwrap_or(Row::Stays))?;
            let change = |place: &Place, removal| own().try_fold(removal, |removal, one| one.of_other(place, removal));
            reseal.removals(*bucket, &fresh, |trail| everybody.controller(trail), change)?;
            let gone = std::mem::take(&mut reseal.gone);
            for one in all.iter_mut().filter(|one| one.place.bucket == *bucket) {
                if !one.goes.is_empty() {
                    one.removal.pseudonyms = gone.iter().map(|key| key.to_vec()).collect();
                }
                reseal.removal(of(&one.info), &one.place, &fresh, &one.removal);
            }
        }
        for one in all.iter().filter(|one| !buckets.contains(&one.place.bucket)) {
            let key = base.vault.bucket_key(one.place.bucket)?;
            reseal.removal(of(&one.info), &one.place, &key, &one.removal);
        }
        let changed: Vec<Pseudonym> = all.iter().flat_map(|one| one.goes.iter().chain(&one.masked)).copied().collect();
        let batch = reseal.into_batch();
        // From here on it is decided: a start would tell, and go on.
        base.vault.commit_batch(batch, &changed)?;
        let told =
            all.iter().map(|one| (one.info.clone(), one.tell.clone())).filter(|(_, told)| !told.is_empty()).collect();
        let (receipts, step) = self.tell_removals(told)?;
        self.change_buckets(&buckets)?;
        for one in &all {
            base.vault.hidden().remove(&one.info.controller, &one.goes);
        }
        Ok((receipts, step))
    }

    /// The old keys of these buckets go.
    pub(super) fn change_buckets(&mut self, buckets: &[u16]) -> Result<(), WriteError> {
        let base = self.base();
        base.keyring.change_buckets(buckets, base.world.entropy.as_ref())?;
        if buckets.is_empty() { Ok(()) } else { self.note_generation() }
    }

    /// Tells, all in one batch; the receipt of the first notice of each.
    pub(super) fn tell_removals(
        &mut self,
        all: Vec<(Arc<Info>, Vec<RemovalTold>)>,
    ) -> Result<(Vec<Receipt>, Step), WriteError> {
        let base = self.base();
        let mut group = Group::new(&base);
        let mut receipts = Vec::with_capacity(all.len());
        for (info, told) in all {
            let receipt = tell(&base, &mut group, &info, told)?;
            receipts.extend(receipt);
        }
        Ok((receipts, self.commit(group)?))
    }
}

fn tell(
    base: &Base,
    group: &mut Group<'_>,
    info: &Arc<Info>,
    told: Vec<RemovalTold>,
) -> Result<Option<Receipt>, WriteError> {
    let recorded_at = base.now().max(info.position().recorded_at);
    group.stage(Some(info.clone()), &info.controller, recorded_at)?;
    let mut receipt = None;
    for RemovalTold { core, slices, latest } in told {
        let Some(says) = core.and_then(|core| core.kind) else { continue };
        let at = told::At { time: recorded_at, zone: &info.zone };
        let date = told::date(&says, Date::from_days(latest), at);
        let Staged { sequencer, .. } = group.staged.get_mut(&info.controller).expect("was staged above");
        let placed = sequencer.notice(Told { says, slices, date }, recorded_at);
        group.entries.push(Entry::of(info, &placed.header, &Contents::default(), None));
        let (origin, seq, link) = (info.origin.clone(), placed.header.seq, placed.link);
        receipt.get_or_insert(Receipt { origin, seq, link, recorded_at });
    }
    Ok(receipt)
}
