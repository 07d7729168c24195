//! A record: header and contents, as written and as read back.

use prost::Message;

use super::date::Date;
use super::date::Timestamp;
use super::event::Event;
use super::header::{Header, Link};
use super::identity::Pseudonym;
use super::part::{PartHash, PartId, PartKey, Salt};
use super::policy::Dates;
use super::stored::{ActorPart, Core, DetailPart, NetPart, NoticeCore, SessionPart, SubjectPart, Warning};

/// What is readable of a record: its parts, decoded. A part that expired is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// Part 0 of an event.
    pub core: Option<Core>,
    /// Part 0 of a notice.
    pub notice: Option<NoticeCore>,
    /// Part 1.
    pub actor: Option<ActorPart>,
    /// Parts 2, in the order of their index.
    pub subjects: Vec<SubjectPart>,
    /// Part 3.
    pub net: Option<NetPart>,
    /// Part 4.
    pub session: Option<SessionPart>,
    /// Part 5 of an event.
    pub detail: Option<DetailPart>,
    /// Parts 5 of a notice, by index: its slices.
    pub slices: Vec<(u16, DetailPart)>,
}

/// Pseudonyms of the people in one event, in its order.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// The actor.
    pub actor: Option<Pseudonym>,
    /// Whom the actor stands in for.
    pub on_behalf_of: Option<Pseudonym>,
    /// The subjects.
    pub subjects: Vec<Pseudonym>,
}

impl Contents {
    /// Pseudonyms of everybody whom it names, as far as that was read: the actor, whom they stand in for, subjects.
    pub fn people(&self) -> impl Iterator<Item = &[u8]> {
        let actor = self.actor.iter().flat_map(|actor| [&actor.pseudonym, &actor.on_behalf_of]);
        let subjects = self.subjects.iter().map(|subject| &subject.pseudonym);
        actor.chain(subjects).map(Vec::as_slice).filter(|who| !who.is_empty())
    }

    /// What will be stored of `event`: pseudonyms for people, a hash for the session, and only what is not yet past
    /// its date on `today`. The core's date must not be past.
    pub fn of_event(
        event: Event,
        people: &People,
        session_hash: Option<Vec<u8>>,
        dates: &Dates,
        today: Date,
        recorded_at: Timestamp,
    ) -> Self {
        let fields = event.into_fields();
        let mut core = fields.core;
        core.schema_version = 1;
        core.recorded_at = recorded_at.nanos();

        let (mut past, mut not_kept) = (false, false);
        let mut alive = |date: Option<Date>| {
            past |= date.is_some_and(|date| date <= today);
            not_kept |= date.is_none();
            date.is_some_and(|date| date > today)
        };
        let net = fields.net.filter(|_| alive(dates.net));
        let detail = fields.detail.filter(|_| alive(dates.detail));
        let session = fields.session.filter(|_| alive(dates.session)).map(|session| SessionPart {
            id_hash: session_hash.unwrap_or_default(),
            auth_method: session.auth_method,
            mfa: session.mfa,
        });
        if past {
            core.warnings.push(Warning::PartPast as i32);
        }
        if not_kept {
            core.warnings.push(Warning::PartNotKept as i32);
        }
        let bytes = |pseudonym: &Pseudonym| pseudonym.0.to_vec();
        Self {
            core: Some(core),
            notice: None,
            actor: people.actor.as_ref().map(|actor| ActorPart {
                pseudonym: bytes(actor),
                on_behalf_of: people.on_behalf_of.as_ref().map(bytes).unwrap_or_default(),
            }),
            subjects: fields
                .subjects
                .iter()
                .zip(&people.subjects)
                .map(|(subject, pseudonym)| SubjectPart { pseudonym: bytes(pseudonym), child: subject.child })
                .collect(),
            net,
            session,
            detail,
            slices: Vec::new(),
        }
    }

    /// The parts in the order of their keys, each in the bytes that are committed to.
    pub fn parts(&self) -> Vec<(PartKey, Vec<u8>)> {
        let mut parts = Vec::with_capacity(5 + self.subjects.len());
        if let Some(core) = &self.core {
            parts.push((PartKey::first(PartId::Core), core.encode_to_vec()));
        }
        if let Some(notice) = &self.notice {
            parts.push((PartKey::first(PartId::Core), notice.encode_to_vec()));
        }
        if let Some(actor) = &self.actor {
            parts.push((PartKey::first(PartId::Actor), actor.encode_to_vec()));
        }
        for (index, subject) in (0u16..).zip(&self.subjects) {
            parts.push((PartKey { id: PartId::Subject, index }, subject.encode_to_vec()));
        }
        if let Some(net) = &self.net {
            parts.push((PartKey::first(PartId::Net), net.encode_to_vec()));
        }
        if let Some(session) = &self.session {
            parts.push((PartKey::first(PartId::Session), session.encode_to_vec()));
        }
        if let Some(detail) = &self.detail {
            parts.push((PartKey::first(PartId::Detail), detail.encode_to_vec()));
        }
        for (index, slice) in &self.slices {
            parts.push((PartKey { id: PartId::Detail, index: *index }, slice.encode_to_vec()));
        }
        parts
    }

    /// About as many bytes as it takes in an answer, with people led back to their names.
    pub fn wire_bytes(&self) -> usize {
        const PERSON: usize = 640;
        let core = self.core.as_ref().map_or(0, Message::encoded_len);
        let net = self.net.as_ref().map_or(0, Message::encoded_len);
        let detail = self.detail.as_ref().map_or(0, Message::encoded_len);
        let slices = self.slices.iter().map(|(_, slice)| slice.encoded_len()).sum::<usize>();
        core + net + detail + slices + (2 + self.subjects.len()) * PERSON + 512
    }

    /// Adds the part `key` of an event, or the slice of a notice, from its committed bytes. Parts come in the order of
    /// their keys.
    pub fn add(&mut self, key: PartKey, bytes: &[u8]) -> Result<(), prost::DecodeError> {
        match key.id {
            PartId::Core => self.core = Some(Core::decode(bytes)?),
            PartId::Actor => self.actor = Some(ActorPart::decode(bytes)?),
            PartId::Subject => self.subjects.push(SubjectPart::decode(bytes)?),
            PartId::Net => self.net = Some(NetPart::decode(bytes)?),
            PartId::Session => self.session = Some(SessionPart::decode(bytes)?),
            PartId::Detail if self.notice.is_some() => self.slices.push((key.index, DetailPart::decode(bytes)?)),
            PartId::Detail => self.detail = Some(DetailPart::decode(bytes)?),
        }
        Ok(())
    }
}

/// What became of the parts of one expiry date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Readable, and the commitment holds.
    Intact,
    /// Its date is past.
    Expired,
    /// Not opened: no keys are at hand.
    Sealed,
    /// Its date is past, but a hold keeps parts of it; these are readable, and the commitment holds.
    Held,
    /// Removed before its date, for somebody who was erased: its hash stands bare, and the commitment holds.
    Erased,
}

/// What opens one part: with it anybody can compute the part's hash, without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which part.
    pub key: PartKey,
    /// Its salt; zero for the core of a notice.
    pub salt: Salt,
    /// The committed bytes.
    pub content: Vec<u8>,
}

/// A record as read back; every readable group was checked against its commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its header.
    pub header: Header,
    /// Its link.
    pub link: Link,
    /// What is readable of it.
    pub contents: Contents,
    /// One verdict per group of the header, in its order.
    pub verdicts: Vec<Verdict>,
    /// What opens its readable parts, by key: the core of a notice always, all others where the reader was told to keep
    /// them.
    pub openings: Vec<Opening>,
    /// Bare hashes of parts of the same dates that no hold keeps, by key, where openings are kept: with them the groups of
    /// what is held can be recomputed.
    pub closed: Vec<(PartKey, PartHash)>,
    /// Parts that were erased, by key; their bare hashes are among the closed ones.
    pub erased: Vec<PartKey>,
}

impl Record {
    /// What became of a part of that id: that of its group, but for one that was erased alone.
    pub fn verdict(&self, id: PartId) -> Option<Verdict> {
        let at = self.header.groups.iter().position(|group| group.has(id))?;
        let verdict = *self.verdicts.get(at)?;
        let erased = verdict == Verdict::Intact && self.erased.iter().any(|key| key.id == id);
        Some(if erased { Verdict::Erased } else { verdict })
    }

    /// About as many bytes as it takes in an answer.
    pub fn wire_bytes(&self) -> usize {
        const OPENING: usize = 48;
        OPENING * self.closed.len()
            + self.contents.wire_bytes()
            + self.openings.iter().map(|opening| OPENING + opening.content.len()).sum::<usize>()
    }

    /// Of a notice, takes its slices out, as if no key were at hand.
    pub fn withhold_slices(&mut self) {
        if self.contents.notice.is_none() {
            return;
        }
        self.contents.slices.clear();
        self.openings.retain(|opening| opening.key.id == PartId::Core);
        let sealed = self.verdicts.iter_mut().skip(1).filter(|verdict| **verdict == Verdict::Intact);
        sealed.for_each(|verdict| *verdict = Verdict::Sealed);
    }

    /// Takes everything out of an event, as if no key were at hand.
    pub fn withhold(&mut self) {
        self.contents = Contents::default();
        (self.openings, self.closed, self.erased) = (Vec::new(), Vec::new(), Vec::new());
        let open = |verdict: &&mut Verdict| **verdict != Verdict::Expired;
        self.verdicts.iter_mut().filter(open).for_each(|verdict| *verdict = Verdict::Sealed);
    }

    /// Of a notice, the committed bytes of its core.
    pub fn notice_bytes(&self) -> Option<&[u8]> {
        let opening = self.openings.first().filter(|_| self.contents.notice.is_some());
        opening.map(|opening| opening.content.as_slice())
    }

    /// When it was recorded, if the core is readable.
    pub fn recorded_at(&self) -> Option<Timestamp> {
        let core = self.contents.core.as_ref().map(|core| core.recorded_at);
        let notice = self.contents.notice.as_ref().map(|notice| notice.recorded_at);
        core.or(notice).map(Timestamp::from_nanos)
    }
}
