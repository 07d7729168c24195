//! Verification: every header, link, leaf and readable part is read again, nothing is assumed.
//!
//! `walk` goes over the records of a trail: headers, links, tree, classes against actions, days and recorded times that
//! never go back, `notices` by ordinal and by what they may say where they stand, `dates` by the policy that was in force, every group commitment whose key is at hand, and that the
//! vault leads pseudonyms back to what they commit to. `rows` looks for rows of a trail that no record accounts for,
//! `held` at what holds keep, `removed` at what was erased or masked,
//! `index` whether the index holds exactly what the records give, `closed` that nothing is left of controllers that came to their end. The walk of a trail stops at its first bad record and
//! names it. It reads sizes, never a snapshot, so it runs beside a writer. Of a whole folder, `strays` looks for what
//! belongs to no trail, and `people` at every row of the vault.

mod closed;
mod dates;
mod expired;
mod held;
mod index;
mod notices;
mod people;
mod removed;
mod restored;
mod rows;
mod strays;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::restored::Followed;
use super::answer::{AskError, blocking};
use super::base::Base;
use super::folding;
use super::guard::Guard;
use super::node::Node;
use super::position::stored_size;
use super::proof;
use super::reader::{ReadError, Reader};
use super::trails::{Head, Info};
use crate::model::date::Timestamp;
use crate::model::handover::Handovers;
use crate::model::header::Link;
use crate::model::origin::{Origin, Which};
use crate::model::removal::rules::Removals;
use crate::model::stored::TrailMeta;
use crate::model::tree::{EMPTY_ROOT, Hash};

/// Most findings about one family: who looks has seen enough.
const FINDINGS_MAX: usize = 10;

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Origin of the trail.
    pub origin: String,
    /// First bad record, where one can be named.
    pub seq: Option<u64>,
    /// What is wrong; never content.
    pub what: String,
}

/// What verification saw of one trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailReport {
    /// Origin.
    pub origin: String,
    /// Records that were to be verified.
    pub size: u64,
    /// Records whose header, link, leaf and readable parts hold.
    pub records: u64,
    /// Of these, notices.
    pub notices: u64,
    /// Groups of parts that were opened and match their commitment.
    pub groups_intact: u64,
    /// Groups of parts whose date is past.
    pub groups_expired: u64,
    /// Groups of parts that were not opened for want of keys.
    pub groups_sealed: u64,
    /// Groups of parts whose date is past, of which holds keep some; these match their commitment.
    pub groups_held: u64,
    /// Groups of which all parts were erased; their bare hashes match the commitment.
    pub groups_erased: u64,
    /// Pseudonyms that lead back to an identity and commit to it.
    pub people: u64,
    /// Postings that the index holds for it.
    pub postings: u64,
    /// Records that the index does not hold yet; it is caught up at the next start.
    pub unindexed: u64,
    /// Link of the newest record.
    pub head: Link,
    /// Root of the tree over the records.
    pub root: Hash,
    /// Signing keys that were replaced, as far as all holds.
    pub handovers: Handovers,
}

impl TrailReport {
    fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.to_string(),
            size: 0,
            records: 0,
            notices: 0,
            groups_intact: 0,
            groups_expired: 0,
            groups_sealed: 0,
            groups_held: 0,
            groups_erased: 0,
            people: 0,
            postings: 0,
            unindexed: 0,
            head: Link::of_origin(origin),
            root: EMPTY_ROOT,
            handovers: Handovers::default(),
        }
    }
}

/// What verification saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every trail, by controller.
    pub trails: Vec<TrailReport>,
    /// Everything that is wrong; empty if all holds.
    pub findings: Vec<Finding>,
    /// No keys were at hand: what is sealed was not opened.
    pub sealed: bool,
    /// No guard was at hand: whether the newest records are there was not compared.
    pub unguarded: bool,
}

/// What verification of one trail beside the writer saw.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The trail.
    pub report: TrailReport,
    /// Everything that is wrong; empty if all holds.
    pub findings: Vec<Finding>,
    /// The checkpoint that it was compared with.
    pub checkpoint: Option<String>,
    /// When it was done.
    pub finished_at: Timestamp,
}

/// Why the walk of a trail ends before its end.
enum Bad {
    Record(u64, String),
    Trail(String),
    /// Whoever asked is gone.
    Left,
}

impl From<ReadError> for Bad {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::DataLoss { seq, what, .. } => Self::Record(seq, what),
            ReadError::Store(error) => error.into(),
        }
    }
}

/// Verifies every trail of a folder that nobody writes, or of the copy that was opened; `progress` hears how many
/// records of a trail are done, of how many.
pub fn verify(base: &Base, mut progress: impl FnMut(&str, u64, u64)) -> Report {
    let mut report = Report { sealed: base.keyring.is_absent(), unguarded: base.guard.is_none(), ..Report::default() };
    let finding = |origin: &str, what: String| Finding { origin: origin.to_owned(), seq: None, what };
    let metas = match base.descriptions() {
        Ok(metas) => metas,
        Err(error) => {
            report.findings.push(finding("db", error.to_string()));
            return report;
        }
    };
    let (known, unread) = Known::of(base, &metas);
    report.findings.extend(unread.map(|what| finding("guard", what)));
    let (mut infos, mut sizes, mut placed, mut removals) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
    let mut heads = BTreeMap::new();
    for meta in &metas {
        let Some(info) = Info::new(meta, &base.keyring) else {
            let what = "the keyring lacks the keys that its description names, or has those of another zone there";
            report.findings.push(finding(&meta.origin, what.to_owned()));
            continue;
        };
        let (trail, findings, holds, told) = one(base, &info, &known, None, |done, of| {
            progress(info.origin.as_str(), done, of);
            true
        });
        placed.push(holds);
        sizes.insert(info.controller.to_string(), trail.size);
        heads.insert(trail.origin.clone(), Head { size: trail.size, root: trail.root });
        report.trails.push(trail);
        report.findings.extend(findings);
        infos.push(info);
        removals.push(told);
    }
    report
        .findings
        .extend(strays::check(base, &metas, &sizes, &known).into_iter().map(|(place, what)| finding(place, what)));
    let restored =
        restored::check(base, &metas, &known.followed, &heads).unwrap_or_else(|error| vec![error.to_string()]);
    report.findings.extend(restored.into_iter().map(|what| finding("db", what)));
    let people = people::check(base, &infos).unwrap_or_else(|error| vec![error.to_string()]);
    report.findings.extend(people.into_iter().map(|what| finding("vault", what)));
    let held = held::check(base, &metas, &placed).unwrap_or_else(|error| vec![error.to_string()]);
    report.findings.extend(held.into_iter().map(|what| finding("vault", what)));
    let trails: Vec<(Info, Removals)> = infos.into_iter().zip(removals).collect();
    let removed = removed::check(base, &trails).unwrap_or_else(|error| vec![error.to_string()]);
    report.findings.extend(removed.into_iter().map(|what| finding("vault", what)));
    report
}

/// What is known of a folder before its trails are walked.
struct Known {
    /// What the guard remembers, by origin.
    guarded: BTreeMap<String, Head>,
    /// What trails say of those before them.
    followed: Followed,
    /// The latest that any clock said, as far as is known: one that is behind does not bring back what was dropped.
    latest: Timestamp,
}

impl Known {
    /// Read before anybody asks how many records there are: then the guard is never ahead of a store that has everything,
    /// also where a writer goes on meanwhile. And why the guard could not be read.
    fn of(base: &Base, metas: &[TrailMeta]) -> (Self, Option<String>) {
        let heads = base.guard.as_ref().map(Guard::heads).transpose();
        let (guarded, unread) = match heads {
            Ok(heads) => (heads.unwrap_or_default(), None),
            Err(error) => (BTreeMap::new(), Some(format!("the guard cannot be read: {error}"))),
        };
        // What cannot be read here the walk will name.
        let day = |meta: &TrailMeta| {
            let newest = stored_size(base.db.as_ref(), meta.number).ok()?.checked_sub(1)?;
            let info = Info::new(meta, &base.keyring)?;
            Some(Reader::headers(base, &info).linked(newest).ok()?.header.day.start())
        };
        let latest = metas.iter().filter_map(day).fold(base.now(), Timestamp::max);
        // What cannot be read here is missed there.
        let followed = Followed::of(base, metas).unwrap_or_default();
        (Self { guarded, followed, latest }, unread)
    }
}

/// Verifies one trail up to `size`, by default all that is stored.
fn one(
    base: &Base,
    info: &Info,
    known: &Known,
    size: Option<u64>,
    progress: impl FnMut(u64, u64) -> bool,
) -> (TrailReport, Vec<Finding>, held::Placed, Removals) {
    let finding = |seq, what| vec![Finding { origin: info.origin.to_string(), seq, what }];
    let mut walk = match walk::Walk::new(base, info, known, size.is_none()) {
        Ok(walk) => walk,
        Err(error) => {
            let report = TrailReport::new(&info.origin);
            let (seq, what) = match error {
                ReadError::DataLoss { seq, what, .. } => (Some(seq), what),
                ReadError::Store(error) => (None, error.to_string()),
            };
            return (report, finding(seq, what), held::Placed::default(), Removals::default());
        }
    };
    let outcome = walk
        .records(size, progress)
        .and_then(|()| rows::check(base, info, &walk))
        .and_then(|()| match holds_after(base, info)? {
            None => held::rows(base, info, walk.report.size, walk.whole, &walk.placed),
            Some(placed) => held::rows(base, info, walk.report.size, walk.whole, &placed),
        })
        .and_then(|()| match walk.closed {
            true => closed::left(base, info)?.map_or(Ok(()), |what| Err(Bad::Trail(what))),
            false => index::check(base, info, &mut walk),
        });
    let (seq, what) = match outcome {
        Ok(()) | Err(Bad::Left) => return (walk.report, Vec::new(), walk.placed, walk.told),
        Err(Bad::Record(seq, what)) => (Some(seq), what),
        Err(Bad::Trail(what)) => (None, what),
    };
    (walk.report, finding(seq, what), walk.placed, walk.told)
}

/// The holds that stand for a trail which others follow: those of the last of them.
fn holds_after(base: &Base, info: &Info) -> Result<Option<held::Placed>, ReadError> {
    let Some(meta) = base.later(info)?.pop() else { return Ok(None) };
    let last = Info::new(&meta, &base.keyring);
    let acts = last.map(|last| folding::of_trail(base, &last, &meta)).transpose()?;
    Ok(acts.map(|acts| held::Placed::of(&acts)))
}

impl Node {
    /// Verifies a trail beside the writer, up to its size now. `progress` hears how many records are done, of how
    /// many, and says whether to go on; `None` if it did not.
    pub async fn verify(
        self: &Arc<Self>,
        of: impl Into<Which>,
        mut progress: impl FnMut(u64, u64) -> bool + Send + 'static,
    ) -> Result<Option<Verified>, AskError> {
        let info = self.which(&of.into()).await?;
        let size = info.size();
        self.flush_index().await?;
        let node = self.clone();
        blocking(move || {
            let mut left = false;
            let origin = info.origin.as_str();
            let (known, unread) = Known::of(&node.base, &node.base.descriptions().unwrap_or_default());
            let (report, mut findings, ..) = one(&node.base, &info, &known, Some(size), |done, of| {
                left = !progress(done, of);
                !left
            });
            findings.extend(unread.map(|what| Finding { origin: origin.to_owned(), seq: None, what }));
            let checkpoint = info.guarded().and_then(|head| proof::sign(&node.base, &info, head));
            let finished_at = node.base.now();
            let checkpoint = checkpoint.map(|checkpoint| checkpoint.note);
            Ok((!left).then_some(Verified { report, findings, checkpoint, finished_at }))
        })
        .await
    }
}
