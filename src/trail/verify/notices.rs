//! The notices of a trail: they follow each other without a gap, and each says what may stand where it stands.

use super::super::keyring::Keyring;
use super::super::trails::Info;
use crate::model::policy;
use crate::model::stored::{KeyringOpened, NoticeCore, TrailOpened, notice_core::Kind};

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
}

impl<'a> Notices<'a> {
    pub(super) fn new(info: &'a Info, keyring: &'a Keyring, newest: u64) -> Self {
        Self { info, keyring, newest, count: 0, last: 0, generation: 0 }
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
            Some(_) | None => Err("it is a notice of a kind that this akta does not know".to_owned()),
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
}
