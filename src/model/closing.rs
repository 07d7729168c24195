//! A controller's end: what is told of it in clear, and the certificate that says the same in plain words.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::date::Timestamp;
use super::note::{Note, NoteError};
use super::origin::Origin;
use super::permission::change::ActId;
use super::policy::Class;
use super::stored::{ClassCount, ControllerClosed};
use super::tree::Hash;
use super::vkey::Signer;

/// The first line of every certificate. No checkpoint begins so: an origin holds no blank.
pub const TITLE: &str = "akta v1 certificate of destruction";

/// A complete export of a trail, that whoever it was handed out to keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Number of records that it covers.
    pub size: u64,
}

/// What is known of a trail when its controller is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Its origin.
    pub origin: Origin,
    /// Number of records before the notice of the end in its own trail.
    pub size: u64,
    /// What was handed out before; `None`: nothing.
    pub export: Option<Export>,
    /// The request that was agreed to; `None` in a node of `--dev` where there was none.
    pub request: Option<ActId>,
    /// Its events by class; no class without any.
    pub events: BTreeMap<Class, u64>,
}

impl Closing {
    /// As its notices tell it.
    pub fn told(&self) -> ControllerClosed {
        let request = self.request.as_ref().and_then(|id| uuid::Uuid::try_parse(id).ok());
        let count =
            |(class, events): (&Class, &u64)| ClassCount { retention_class: class.word().into(), events: *events };
        ControllerClosed {
            origin: self.origin.to_string(),
            size: self.size,
            export_sha256: self.export.map(|export| export.sha256.to_vec()).unwrap_or_default(),
            export_size: self.export.map(|export| export.size).unwrap_or_default(),
            request: request.map(|id| id.into_bytes().to_vec()).unwrap_or_default(),
            events: self.events.iter().map(count).collect(),
        }
    }

    /// What a notice tells.
    ///
    /// # Errors
    ///
    /// It is not as Akta writes it; in a few words.
    pub fn hear(told: &ControllerClosed) -> Result<Self, &'static str> {
        let origin = Origin::parse(&told.origin).ok_or("it names no origin")?;
        let export = match (<[u8; 32]>::try_from(told.export_sha256.as_slice()), told.export_size) {
            (Ok(sha256), size) if size > 0 && size <= told.size => Some(Export { sha256, size }),
            (Err(_), 0) if told.export_sha256.is_empty() => None,
            _ => return Err("it names an export that cannot be"),
        };
        let request = match told.request.as_slice() {
            [] => None,
            id => {
                Some(uuid::Uuid::from_slice(id).map_err(|_| "it names an id that is not 16 bytes")?.to_string().into())
            }
        };
        let class = |count: &ClassCount| u8::try_from(count.retention_class).ok().and_then(Class::from_number);
        let counts = told.events.iter().map(|count| Some((class(count)?, count.events)));
        let counts: Option<Vec<(Class, u64)>> = counts.collect();
        let counts =
            counts.filter(|all| all.is_sorted_by(|a, b| a.0 < b.0) && all.iter().all(|(_, events)| *events > 0));
        let events: BTreeMap<Class, u64> =
            counts.ok_or("its classes are not known, do not ascend, or are empty")?.into_iter().collect();
        if events.values().try_fold(0u64, |sum, events| sum.checked_add(*events)).is_none_or(|sum| sum > told.size) {
            return Err("it counts more events than there were records");
        }
        Ok(Self { origin, size: told.size, export, request, events })
    }
}

/// What a certificate says beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified<'a> {
    /// What was told.
    pub closing: &'a Closing,
    /// When it was told.
    pub closed_at: Timestamp,
    /// Root of the tree over all records up to and including the notice in its own trail.
    pub root: Hash,
}

impl Certified<'_> {
    /// The certificate: the same text whenever it is made.
    pub fn text(&self) -> String {
        let Self { closing, closed_at, root } = *self;
        let controller = closing.origin.controller();
        let mut text = format!(
            "{TITLE}\norigin: {}\ncontroller: {controller}\nclosed at: {closed_at}\nrecords: {}\nroot: {root}\n",
            closing.origin,
            closing.size.saturating_add(1),
        );
        // Nothing is written but into memory.
        let _ = match &closing.request {
            Some(id) => writeln!(text, "request: {id}"),
            None => writeln!(text, "request: none, the node runs with --dev"),
        };
        let _ = match &closing.export {
            Some(Export { sha256, size }) => {
                let digits: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(text, "export: sha256 {digits}, of the first {size} records")
            }
            None => writeln!(text, "export: none was handed out"),
        };
        for (class, events) in &closing.events {
            let _ = writeln!(text, "events: {events} {}", class.name());
        }
        text.push_str(SAYS);
        text
    }

    /// The same as a note that the node signs.
    ///
    /// # Errors
    ///
    /// Never of what [`Closing::hear`] gave: names and numbers have no control characters.
    pub fn sign(&self, signer: &Signer) -> Result<Note, NoteError> {
        Note::sign(&self.text(), signer)
    }
}

/// What is destroyed, what is left, and what nobody can prove.
const SAYS: &str = "\
The key under which this controller's records, index and people were sealed was destroyed in both slots of the keyring file of this node, \
and their rows were removed from the node's databases.
Unreadable by that: every part of every event, who the people in them are, and who decided what; also in copies of the databases.
Left: headers, notices in clear and the tree, without identity or content. They prove how many records there were, and when.
Not proved by this: that nobody copied the keyring or the records in clear before. An export is with whoever it was handed to.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn closing() -> Closing {
        Closing {
            origin: Origin::parse("akta.test/school-1/w00000001").expect("an origin"),
            size: 9,
            export: Some(Export { sha256: [7; 32], size: 8 }),
            request: Some(uuid::Uuid::from_bytes([3; 16]).to_string().into()),
            events: [(Class::Access, 4), (Class::LogAccess, 2)].into(),
        }
    }

    #[test]
    fn what_is_told_is_heard_and_nothing_else() {
        assert_eq!(Closing::hear(&closing().told()), Ok(closing()));
        let bare = Closing { export: None, request: None, events: BTreeMap::new(), ..closing() };
        assert_eq!(Closing::hear(&bare.told()), Ok(bare));
        type Change = fn(&mut ControllerClosed);
        let changes: [(Change, &str); 10] = [
            (|told| told.origin.clear(), "origin"),
            (|told| told.export_sha256.truncate(31), "export"),
            (|told| told.export_size = 0, "export"),
            (|told| told.export_size = 10, "export"),
            (|told| told.export_sha256.clear(), "export"),
            (|told| told.request.truncate(15), "16 bytes"),
            (|told| told.events.reverse(), "classes"),
            (|told| told.events[0].events = 0, "classes"),
            (|told| told.events[0].retention_class = 77, "classes"),
            (|told| told.events[1].events = u64::MAX, "more events"),
        ];
        for (change, says) in changes {
            let mut told = closing().told();
            change(&mut told);
            let why = Closing::hear(&told).expect_err(says);
            assert!(why.contains(says), "{why}, not {says}");
        }
    }

    #[test]
    fn a_certificate_says_it_in_plain_words_and_is_signed() {
        let closed_at = Timestamp::parse("2026-11-22T08:00:00Z").expect("a time");
        let closing = closing();
        let certified = Certified { closing: &closing, closed_at, root: Hash([1; 32]) };
        let signer = Signer::from_seed(closing.origin.as_str(), &[9; 32]).expect("a name");
        let note = certified.sign(&signer).expect("is signed").to_string();
        let read = Note::parse(note.as_bytes()).expect("is a note");
        assert!(read.verify(std::slice::from_ref(signer.vkey())).is_ok());
        for line in [
            TITLE,
            "controller: school-1",
            "closed at: 2026-11-22T08:00:00.000Z",
            "records: 10",
            "request: 03030303-0303-0303-0303-030303030303",
            "export: sha256 0707070707070707070707070707070707070707070707070707070707070707, of the first 8 records",
            "events: 4 ACCESS",
            "events: 2 LOG_ACCESS",
        ] {
            assert!(read.text().lines().any(|own| own == line), "{line}: {}", read.text());
        }
        assert!(super::super::checkpoint::Checkpoint::parse(read.text()).is_err(), "no checkpoint");
    }
}
