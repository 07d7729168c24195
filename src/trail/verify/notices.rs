//! The notices of a trail: they follow each other without a gap, and each says what may stand where it stands.

use super::super::keyring::Keyring;
use super::super::trails::Info;
use crate::model::handover::{Handover, Handovers};
use crate::model::policy;
use crate::model::stored::{KekRotated, KeyringOpened, NoticeCore, SigningKeyRotated, TrailOpened, notice_core::Kind};

/// What the notices so far fix for the next one.
pub(super) struct Notices<'a> {
    info: &'a Info,
    keyring: &'a Keyring,
    /// What the row "keyring generation" of meta says.
    newest: u64,
    count: u64,
    last: u64,
    /// Newest keyring generation that a notice named.
    generation: u64,
    /// Signing keys that were replaced.
    handovers: Handovers,
}

impl<'a> Notices<'a> {
    pub(super) fn new(info: &'a Info, keyring: &'a Keyring, newest: u64) -> Self {
        Self { info, keyring, newest, count: 0, last: 0, generation: 0, handovers: Handovers::default() }
    }

    /// The record at `seq`: its notice, if it is one.
    pub(super) fn check(&mut self, seq: u64, notice: Option<&NoticeCore>) -> Result<(), String> {
        let Some(notice) = notice else {
            return if seq == 0 { Err("record 0 is not the opening notice".to_owned()) } else { Ok(()) };
        };
        if (notice.ordinal, notice.previous_seq) != (self.count, self.last) {
            return Err("a notice before it is missing".to_owned());
        }
        self.count += 1;
        self.last = seq;
        match &notice.kind {
            Some(Kind::Opened(opened)) if seq == 0 => self.opened(opened),
            Some(Kind::Opened(_)) => Err("it opens the trail a second time".to_owned()),
            _ if seq == 0 => Err("record 0 is not the opening notice".to_owned()),
            Some(Kind::KeyringOpened(opened)) => self.keyring_opened(opened),
            Some(Kind::SigningKeyRotated(told)) => self.signing_key_rotated(seq, told),
            Some(Kind::KekRotated(told)) => self.kek_rotated(told),
            None => Err("it is a notice of a kind that this akta does not know".to_owned()),
        }
    }

    fn opened(&self, opened: &TrailOpened) -> Result<(), String> {
        if opened.origin != self.info.origin.as_str() || opened.zone != self.info.zone.name() {
            return Err("the opening notice is of another trail".to_owned());
        }
        if opened.policy_version != policy::VERSION || !opened.predecessor.is_empty() {
            return Err("the opening notice names another policy than this akta knows, or a predecessor".to_owned());
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
