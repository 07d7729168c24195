//! The notices of a trail: they follow each other without a gap, and each says what may stand where it stands.

use std::collections::BTreeMap;

use super::super::keyring::Keyring;
use super::super::trails::Info;
use super::held::Placed;
use crate::model::closing::Closing;
use crate::model::date::{Date, Timestamp};
use crate::model::handover::{Handover, Handovers};
use crate::model::header::{Group, Header};
use crate::model::origin::Origin;
use crate::model::part::PartId;
use crate::model::permission::acts::{Acts, Refusal};
use crate::model::permission::change::Change;
use crate::model::permission::told::{self, Heard};
use crate::model::policy::{self, Class};
use crate::model::record::{Record, Verdict};
use crate::model::removal;
use crate::model::removal::rules::Removals;
use crate::model::restored::Restored;
use crate::model::retention::in_force::Retention;
use crate::model::stored::{
    ControllerClosed, Expired, KekRotated, KeyringOpened, NoticeCore, SigningKeyRotated, TrailOpened, TrailRestored,
    notice_core::Kind,
};

/// The first format that has notices of that kind.
const fn first_format(kind: &Kind) -> u32 {
    match kind {
        Kind::Opened(_) | Kind::KeyringOpened(_) => 1,
        Kind::ControllerSet(_)
        | Kind::LoneApprovalSet(_)
        | Kind::Granted(_)
        | Kind::IncidentDeclared(_)
        | Kind::ActEnded(_)
        | Kind::ApprovalAsked(_)
        | Kind::ApprovalAnswered(_)
        | Kind::ApprovalUsed(_)
        | Kind::SigningKeyRotated(_)
        | Kind::KekRotated(_) => 2,
        Kind::RetentionChosen(_)
        | Kind::Expired(_)
        | Kind::HoldPlaced(_)
        | Kind::HoldReleased(_)
        | Kind::HoldReviewed(_)
        | Kind::IdentityDeactivated(_)
        | Kind::IdentityMasked(_)
        | Kind::IdentityErased(_)
        | Kind::IdentityRestricted(_)
        | Kind::RestrictionLifted(_)
        | Kind::ControllerClosed(_)
        | Kind::TrailRestored(_) => 3,
    }
}

/// What the notices so far fix for the next one.
pub(super) struct Notices<'a> {
    info: &'a Info,
    keyring: &'a Keyring,
    /// What the row "keyring generation" of meta says.
    newest: u64,
    /// What the row "format" of meta says.
    format: u32,
    count: u64,
    last: u64,
    /// Newest keyring generation that a notice named.
    generation: u64,
    /// What the controller has decided so far; names that cannot be read are such as nobody has.
    acts: Acts,
    /// Signing keys that were replaced.
    handovers: Handovers,
    /// The day in the trail's zone by the clock at hand.
    clock: Date,
    /// What is dated on it or before is expired, as told so far.
    expired: Date,
    /// What was told of people.
    removals: Removals,
    /// Events so far, by class.
    events: BTreeMap<Class, u64>,
    /// The controller's end was told.
    closed: bool,
    /// The trail that it follows, as the opening notice says.
    follows: Option<String>,
}

impl<'a> Notices<'a> {
    pub(super) fn new(info: &'a Info, keyring: &'a Keyring, newest: u64, format: u32, clock: Date) -> Self {
        let (acts, handovers, expired) = (Acts::default(), Handovers::default(), Date::NEVER);
        let removals = Removals::default();
        Self {
            info,
            keyring,
            newest,
            format,
            count: 0,
            last: 0,
            generation: 0,
            acts,
            handovers,
            clock,
            expired,
            removals,
            events: BTreeMap::new(),
            closed: false,
            follows: None,
        }
    }

    /// A record: its notice, if it is one.
    pub(super) fn check(&mut self, record: &Record) -> Result<(), String> {
        let seq = record.header.seq;
        let dated = |group: &Group| group.date != Date::NEVER && group.date <= self.expired;
        if record.header.groups.iter().any(dated) {
            return Err(format!("it has parts of a date up to {}, which had expired before", self.expired));
        }
        let kind = record.contents.notice.as_ref().and_then(|notice| notice.kind.as_ref());
        if self.closed && !matches!(kind, Some(Kind::SigningKeyRotated(_))) {
            return Err("it follows the notice that the controller was closed".to_owned());
        }
        let Some(notice) = &record.contents.notice else {
            *self.events.entry(record.header.class).or_default() += 1;
            return if seq == 0 { Err("record 0 is not the opening notice".to_owned()) } else { Ok(()) };
        };
        if (notice.ordinal, notice.previous_seq) != (self.count, self.last) {
            return Err("a notice before it is missing".to_owned());
        }
        self.count += 1;
        self.last = seq;
        self.shape(&record.header, notice)?;
        match &notice.kind {
            Some(kind) if self.format < first_format(kind) => {
                Err(format!("it is a notice of a kind that stores of format {} do not have", self.format))
            }
            Some(Kind::Opened(opened)) if seq == 0 => self.opened(opened),
            Some(Kind::Opened(_)) => Err("it opens the trail a second time".to_owned()),
            _ if seq == 0 => Err("record 0 is not the opening notice".to_owned()),
            Some(Kind::TrailRestored(told)) if seq == 1 => self.restored(told),
            Some(Kind::TrailRestored(_)) => Err("it says a second time which trail it follows".to_owned()),
            _ if seq == 1 && self.follows.is_some() => {
                Err("the opening notice names a predecessor, of which record 1 does not tell".to_owned())
            }
            Some(Kind::KeyringOpened(opened)) => self.keyring_opened(opened),
            Some(
                Kind::ControllerSet(_)
                | Kind::RetentionChosen(_)
                | Kind::LoneApprovalSet(_)
                | Kind::Granted(_)
                | Kind::IncidentDeclared(_)
                | Kind::ActEnded(_)
                | Kind::ApprovalAsked(_)
                | Kind::ApprovalAnswered(_)
                | Kind::ApprovalUsed(_)
                | Kind::HoldPlaced(_)
                | Kind::HoldReleased(_)
                | Kind::HoldReviewed(_),
            ) => self.act(record, notice),
            Some(Kind::SigningKeyRotated(told)) => self.signing_key_rotated(seq, told),
            Some(Kind::KekRotated(told)) => self.kek_rotated(told),
            Some(Kind::Expired(told)) => self.expired(notice, told),
            Some(Kind::ControllerClosed(told)) => self.closed(record, notice, told),
            Some(
                says @ (Kind::IdentityDeactivated(_)
                | Kind::IdentityMasked(_)
                | Kind::IdentityErased(_)
                | Kind::IdentityRestricted(_)
                | Kind::RestrictionLifted(_)),
            ) => self.of_people(record, notice, says),
            None => Err("it is a notice of a kind that this akta does not know".to_owned()),
        }
    }

    /// The policy in force for what comes next.
    pub(super) fn retention(&self) -> &Retention {
        self.acts.retention()
    }

    /// One group in clear, and the slices of its kind, with their date.
    fn shape(&self, header: &Header, notice: &NoticeCore) -> Result<(), String> {
        let core = header.groups.first().is_some_and(|group| {
            group.date == Date::NEVER && group.bitmap == PartId::Core.bit() && header.class == Class::Ledger
        });
        if !core {
            return Err("its header is not that of a notice".to_owned());
        }
        let at = Timestamp::from_nanos(notice.recorded_at);
        // In its own trail a controller's end is told without slices: their key goes with it.
        let says = notice.kind.as_ref().filter(|says| !self.is_own_end(says));
        let date = says.and_then(|says| Some((told::date(says, at, &self.info.zone)?, says)));
        let people = notice.kind.as_ref().filter(|says| removal::told::is_of_people(says));
        match (date, &header.groups[1..]) {
            (None, [slices]) if people.is_some() && slices.bitmap == PartId::Detail.bit() => {
                let at = removal::told::At { time: at, zone: &self.info.zone };
                match people.is_some_and(|says| removal::told::date_is_good(says, slices.date, at)) {
                    true => Ok(()),
                    false => {
                        Err(format!("its slices have the date {}, which those of its kind do not have", slices.date))
                    }
                }
            }
            (None, []) if people.is_some() => Err("its parts are not those of a notice of its kind".to_owned()),
            (None, []) => Ok(()),
            (Some((date, says)), [slices]) if slices.bitmap == PartId::Detail.bit() => {
                // What a zone's rules say of a day to come may change.
                let slack = u32::from(told::end(says, at) > Some(at));
                if slices.date.days().abs_diff(date.days()) > slack {
                    return Err(format!("its slices have the date {}, not {date}", slices.date));
                }
                Ok(())
            }
            _ => Err("its parts are not those of a notice of its kind".to_owned()),
        }
    }

    fn opened(&mut self, opened: &TrailOpened) -> Result<(), String> {
        if opened.origin != self.info.origin.as_str() || opened.zone != self.info.zone.name() {
            return Err("the opening notice is of another trail".to_owned());
        }
        if opened.policy_version != policy::VERSION {
            return Err("the opening notice names another policy than this akta knows".to_owned());
        }
        self.follows = Some(opened.predecessor.clone()).filter(|origin| !origin.is_empty());
        Ok(())
    }

    /// What a trail says of the one before it.
    fn restored(&self, told: &TrailRestored) -> Result<(), String> {
        let Restored { predecessor, lost, ended, .. } = Restored::hear(told)?;
        if self.follows.as_deref() != Some(predecessor.as_str()) {
            return Err("it follows another trail than the opening notice says, or none".to_owned());
        }
        if predecessor.controller() != self.info.controller || predecessor == self.info.origin {
            return Err("it follows a trail that is not one of its controller's before it".to_owned());
        }
        let others = !lost.is_empty() || !ended.is_empty();
        if others && !self.info.controller.is_node() {
            return Err("it tells of other trails, but is not in the node's own trail".to_owned());
        }
        Ok(())
    }

    fn keyring_opened(&mut self, opened: &KeyringOpened) -> Result<(), String> {
        if !self.info.controller.is_node() {
            return Err("it tells of the keyring, but is not in the node's own trail".to_owned());
        }
        if opened.generation == 0 || opened.generation < self.generation {
            return Err("it names an older keyring than a notice before it".to_owned());
        }
        if opened.generation > self.newest {
            return Err(format!(
                "it names keyring generation {}, but the row \"keyring generation\" of meta says {}",
                opened.generation, self.newest
            ));
        }
        if !self.keyring.is_absent() && opened.dev != self.keyring.is_dev() {
            return Err("it tells of another keyring than the one at hand: one is of --dev".to_owned());
        }
        self.generation = opened.generation;
        Ok(())
    }

    /// What a controller decides follows from what it decided before, as far as that can be read.
    fn act(&mut self, record: &Record, notice: &NoticeCore) -> Result<(), String> {
        if self.info.controller.is_node() {
            return Err("it tells of what a controller decides, but is in the node's own trail".to_owned());
        }
        let read = record.verdicts.get(1) == Some(&Verdict::Intact);
        let slices = read.then_some(record.contents.slices.as_slice());
        let Some(heard) = told::hear(notice, slices)? else { return Ok(()) };
        let at = Timestamp::from_nanos(notice.recorded_at);
        let mut acts = std::mem::take(&mut self.acts).as_of(at);
        let (change, decided) = supposed(heard, record.header.seq, &acts);
        match acts.check(&change, &decided, at) {
            // How many there may be at once is no matter of the format.
            Ok(()) | Err(Refusal::TooMany { .. }) => {}
            Err(refusal) => return Err(format!("it does not follow from the notices before it: {refusal}")),
        }
        acts.apply(change, decided, at);
        self.acts = acts;
        Ok(())
    }
    /// What is told of people follows from what was told before.
    fn of_people(&mut self, record: &Record, notice: &NoticeCore, says: &Kind) -> Result<(), String> {
        if self.info.controller.is_node() {
            return Err("it tells of people, but is in the node's own trail".to_owned());
        }
        if record.verdicts.get(1) == Some(&Verdict::Intact) {
            removal::told::hear(notice, &record.contents.slices)?;
        }
        if let Kind::IdentityErased(told) = says
            && (told.restated || !told.origin.is_empty())
        {
            let of = Origin::parse(&told.origin);
            let before = of.is_some_and(|of| of.controller() == self.info.controller && of != self.info.origin);
            if self.follows.is_none() || !before {
                return Err("it lists records of a trail that is not one of its controller's before it".to_owned());
            }
        }
        let at = Timestamp::from_nanos(notice.recorded_at);
        let followed = self.removals.follow(says, notice.ordinal, (at, &self.info.zone), &self.acts);
        followed.map_err(|what| format!("it does not follow from the notices before it: {what}"))
    }

    /// What the notices tell of people.
    pub(super) fn removals(&self) -> Removals {
        self.removals.clone()
    }

    fn signing_key_rotated(&mut self, seq: u64, told: &SigningKeyRotated) -> Result<(), String> {
        let handover = Handover::check(told, &self.info.origin, seq).map_err(|error| error.to_string())?;
        self.handovers.add(handover).map_err(|error| error.to_string())
    }

    fn kek_rotated(&mut self, told: &KekRotated) -> Result<(), String> {
        if !self.info.controller.is_node() {
            return Err("it tells of the keyring, but is not in the node's own trail".to_owned());
        }
        if told.generation_before == 0 || told.generation_before < self.generation {
            return Err("it names an older keyring than a notice before it".to_owned());
        }
        if told.generation_after <= told.generation_before {
            return Err("it names a keyring that is not newer than the one before the rotation".to_owned());
        }
        if told.generation_after > self.newest {
            return Err(format!(
                "it names keyring generation {}, but the row \"keyring generation\" of meta says {}",
                told.generation_after, self.newest
            ));
        }
        self.generation = told.generation_after;
        Ok(())
    }

    fn is_own_end(&self, says: &Kind) -> bool {
        matches!(says, Kind::ControllerClosed(told) if told.origin == self.info.origin.as_str())
    }

    /// A controller's end: in its own trail it says what was there, and nothing may speak against it.
    fn closed(&mut self, record: &Record, notice: &NoticeCore, told: &ControllerClosed) -> Result<(), String> {
        let closing = Closing::hear(told)?;
        if closing.request.is_none() && !self.keyring.is_absent() && !self.keyring.is_dev() {
            return Err("it names no request that was agreed to".to_owned());
        }
        if self.info.controller.is_node() {
            if closing.origin == self.info.origin {
                return Err("it closes the node itself".to_owned());
            }
            let read = record.verdicts.get(1) == Some(&Verdict::Intact);
            told::hear(notice, read.then_some(record.contents.slices.as_slice()))?;
            return Ok(());
        }
        if closing.origin != self.info.origin || closing.size != record.header.seq {
            return Err("it tells of another controller's end, or of another size of the trail".to_owned());
        }
        if closing.events != self.events {
            return Err("it counts other events than there are before it".to_owned());
        }
        self.act(record, notice)?;
        self.closed = true;
        Ok(())
    }

    /// The holds that the notices tell of.
    pub(super) fn holds(&self) -> Placed {
        Placed::of(&self.acts)
    }

    /// Nothing expires before its day, by the trail or by the clock at hand, which may be a day behind the one that told.
    fn expired(&mut self, notice: &NoticeCore, told: &Expired) -> Result<(), String> {
        let through = Date::from_days(told.through);
        let day = self.info.zone.date(Timestamp::from_nanos(notice.recorded_at));
        if through == Date::NEVER || through > day {
            return Err(format!("it says that parts of {through} are expired, on the day {day}"));
        }
        if through > self.clock.plus_days(1) {
            return Err(format!("it says that parts of {through} are expired; today is {}", self.clock));
        }
        if through < self.expired {
            return Err(format!(
                "it says that parts up to {through} are expired; a notice before it said {}",
                self.expired
            ));
        }
        self.expired = through;
        Ok(())
    }

    /// The signing keys that were replaced, of a trail that was walked over to its end; `whole` where the keyring was read
    /// before it. The keyring then signs with one of them.
    pub(super) fn handovers(self, whole: bool) -> Result<Handovers, String> {
        let at_hand = self.keyring.signing_keys();
        let known = |key: &[u8; 32]| self.handovers.keys().any(|vkey| vkey.public() == key);
        if whole && !self.handovers.all().is_empty() && !at_hand.is_empty() && !at_hand.iter().any(known) {
            return Err("the keyring signs checkpoints with a key that no notice leads to".to_owned());
        }
        Ok(self.handovers)
    }
}

fn supposed(heard: Heard, seq: u64, acts: &Acts) -> (Change, crate::model::permission::change::Decided) {
    let asked = match &heard.change {
        Change::Use { id, .. } => acts.request(id),
        _ => None,
    };
    heard.supposed(seq, asked.map(|request| request.asked.name.as_str()))
}

#[cfg(test)]
mod tests;
