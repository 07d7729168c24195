//! Answering: a question is resolved, answered from the trail, recorded, and only then handed out.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::ask::{Asked, Asker, Question};
use super::base::Base;
use super::hold;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::search::{self, Hiding, Page};
use super::submission::{RecordError, Submission, over};
use super::threads::IndexJob;
use super::trails::Info;
use super::vault::Of;
use crate::env::random;
use crate::model::date::Date;
use crate::model::identity::{Identity, Pseudonym};
use crate::model::origin::{Controller, Which};
use crate::model::page_token::PageToken;
use crate::model::query::{Cursor, Filter, Include, Order};
use crate::model::record::Record;
use crate::store;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such controller, or not yours: not told apart.
    #[error("no such controller, or you may not read its trail")]
    NoController,
    /// The controller has come to its end.
    #[error("{}", over(*on))]
    Closed {
        /// The day, in UTC.
        on: Date,
    },
    /// There is no such event.
    #[error("there is no such event in this trail")]
    NotFound,
    /// There is no such trail of the controller.
    #[error("origin")]
    Origin,
    /// The page token is of another question, or somebody else's, or was altered.
    #[error("page_token")]
    Cursor,
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The question could not be recorded, so it is not answered.
    #[error("the question could not be recorded, so it is not answered: {0}")]
    Unrecorded(RecordError),
    /// The node is closing.
    #[error("akta is closing")]
    Closing,
}

/// A page of records with the people in them.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The trail.
    pub trail: Arc<Info>,
    /// The page.
    pub page: Page,
    /// What the same caller asks for the next page with; `None` on the last.
    pub page_token: Option<String>,
    /// Who the pseudonyms on it stand for.
    pub people: Vec<(Pseudonym, Identity)>,
    /// Whether what opens the parts was asked for.
    pub openings: bool,
    /// Number of records that the index still lacked when the question arrived.
    pub waited_for: u64,
    /// Somebody who was asked about is restricted: records of theirs are left out.
    pub restricted_hidden: bool,
}

impl Answer {
    /// The same with or without the names of the people in it. Slices of notices name them: they stay sealed then.
    #[must_use]
    pub fn with_names(mut self, shown: bool) -> Self {
        if !shown {
            self.people.clear();
            self.page.records.iter_mut().for_each(Record::withhold_slices);
        }
        self
    }
}

/// What else is shown of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Also {
    /// What holds keep of it past its date.
    pub held: bool,
    /// Although somebody in it is restricted; else there is no such event.
    pub restricted: bool,
}

/// Names one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKey {
    /// By position.
    Seq(u64),
    /// By the reporter's id.
    EventId([u8; 16]),
}

impl EventKey {
    fn shape(self) -> &'static str {
        match self {
            Self::Seq(_) => "seq",
            Self::EventId(_) => "event_id",
        }
    }
}

impl Node {
    /// Answers a question with one page; the question is durable in the trail before it returns.
    pub async fn search(
        self: &Arc<Self>,
        asker: &Asker,
        controller: &Controller,
        question: Question,
        limit: usize,
        token: &str,
    ) -> Result<Answer, AskError> {
        let last = self.trail(controller).await?;
        let line = in_order(&last, &question)?;
        let tokens = PageToken { key: &last.key, caller: asker.caller.name() };
        let (at, start) = start(&question, &line, tokens, token)?;
        let (trail, next) = (line[at].clone(), line.get(at + 1));
        // A page is of one trail: what goes on in the next is for the next page.
        let next = next.map(|next| tokens.give(&begin(&question, next)));
        let waited_for = trail.size().saturating_sub(trail.indexed());
        let (asked, openings) = (question.asked(), question.include.openings);
        let (node, info) = (self.clone(), trail.clone());
        self.flush_index().await?;
        let (page, people, restricted_hidden) = blocking(move || {
            let filter = Filter {
                subject: node.resolve(&info, question.subject.as_ref())?,
                actor: node.resolve(&info, question.actor.as_ref())?,
                on_behalf_of: node.resolve(&info, question.on_behalf_of.as_ref())?,
                facts: question.facts,
            };
            let (order, include) = (question.order, question.include);
            let page = match question.hold {
                None => search::search_including(&node.base, &info, &filter, include, order, start, limit)?,
                Some(id) => hold::find(&node.base, &info, &id, &filter, include, order, start, limit)?,
            };
            let people = node.people(&info, &page.records)?;
            let asked = [&filter.subject, &filter.actor, &filter.on_behalf_of].map(Option::as_deref);
            let hidden = Hiding::of(&node.base, &info, include);
            let restricted = asked.into_iter().flatten().any(|people| hidden.has(people));
            Ok((page, people, restricted))
        })
        .await?;
        self.record_read(asker, controller, asked, page.records.len()).await?;
        let page_token = page.next.map(|cursor| tokens.give(&cursor)).or(next);
        Ok(Answer { page, page_token, people, openings, waited_for, restricted_hidden, trail: trail.clone() })
    }

    /// Shows one event; the question is durable in the trail before it returns.
    pub async fn get(
        self: &Arc<Self>,
        asker: &Asker,
        of: impl Into<Which>,
        key: EventKey,
        also: Also,
    ) -> Result<Answer, AskError> {
        let of = of.into();
        let controller = &of.controller;
        let last = self.which(&of).await?;
        let (size, indexed) = (last.size(), last.indexed());
        let (node, info) = (self.clone(), last.clone());
        self.flush_index().await?;
        let alone = of.origin.is_some();
        let found = blocking(move || {
            let place = match key {
                EventKey::Seq(seq) => Some((info.clone(), seq)).filter(|(info, seq)| *seq < info.size()),
                EventKey::EventId(id) => by_event_id(&node.base, &info, &id, alone)?,
            };
            let Some((info, seq)) = place else { return Ok(None) };
            let today = node.base.today(&info.zone);
            let reader = Reader::new(&node.base, &info, today);
            let record = if also.held { reader.with_held() } else { reader }.record(seq)?;
            let include = Include { restricted: also.restricted, ..Include::default() };
            if Hiding::of(&node.base, &info, include).hides(&record) {
                return Ok(None);
            }
            let people = node.people(&info, std::slice::from_ref(&record))?;
            Ok(Some((info, record, people)))
        })
        .await?;
        let asked = Asked { call: "GetEvent", shape: key.shape().to_owned(), export: false };
        self.record_read(asker, controller, asked, usize::from(found.is_some())).await?;
        let (trail, record, people) = found.ok_or(AskError::NotFound)?;
        let page = Page { records: vec![record], next: None, size };
        let waited_for = size.saturating_sub(indexed);
        Ok(Answer { trail, page, page_token: None, people, openings: false, waited_for, restricted_hidden: false })
    }

    /// That trail of a controller.
    pub(super) async fn which(self: &Arc<Self>, of: &Which) -> Result<Arc<Info>, AskError> {
        let last = self.trail(&of.controller).await?;
        match &of.origin {
            None => Ok(last),
            Some(origin) => last.line().into_iter().find(|info| info.origin == *origin).ok_or(AskError::Origin),
        }
    }

    /// The trail of a controller that goes on.
    pub(super) async fn trail(self: &Arc<Self>, controller: &Controller) -> Result<Arc<Info>, AskError> {
        let (node, controller) = (self.clone(), controller.clone());
        blocking(move || node.base.trail(&controller)).await?.ok_or(AskError::NoController)
    }

    fn resolve(&self, info: &Info, identity: Option<&Identity>) -> Result<Option<Vec<Pseudonym>>, ReadError> {
        Ok(identity.map(|identity| search::pseudonyms(&self.base, info, identity)).transpose()?)
    }

    fn people(&self, info: &Info, records: &[Record]) -> Result<Vec<(Pseudonym, Identity)>, ReadError> {
        let of = Of { controller: &info.controller, key: &info.key };
        let mut pseudonyms: Vec<Pseudonym> =
            records.iter().flat_map(|record| record.contents.people()).filter_map(Pseudonym::from_slice).collect();
        pseudonyms.sort_unstable();
        pseudonyms.dedup();
        let mut people = Vec::with_capacity(pseudonyms.len());
        for pseudonym in pseudonyms {
            match self.base.vault.identity(of, &pseudonym) {
                Ok(Some(identity)) => people.push((pseudonym, identity)),
                Ok(None) => {}
                // The record stands without the name: its pseudonym is shown.
                Err(store::Error::Corrupt(what)) => tracing::error!(what, "somebody cannot be led back to a name"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(people)
    }

    /// A fresh UUID (version 4).
    pub fn fresh_id(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(random(self.base.world.entropy.as_ref())).into_uuid()
    }

    /// Records that somebody is about to see so many rows of a trail; durable before it returns.
    ///
    /// # Errors
    ///
    /// It could not be recorded: then nothing may be shown.
    pub async fn record_read(
        &self,
        asker: &Asker,
        controller: &Controller,
        asked: Asked,
        rows: usize,
    ) -> Result<(), AskError> {
        let event = asker.log(self.fresh_id().into_bytes(), asked, rows);
        // Reads of the trail are recorded whatever waits: they take no budget.
        let submission = Submission { controller: controller.clone(), events: vec![event], may_open: false };
        let pending = self.hand_over(vec![submission], None).map_err(AskError::Unrecorded)?;
        match Self::answer(pending).await {
            Err(RecordError::NoController) => return Err(AskError::NoController),
            Err(RecordError::Closed { on }) => return Err(AskError::Closed { on }),
            recorded => recorded.map_err(AskError::Unrecorded)?,
        };
        Ok(())
    }

    /// Waits until everything published so far can be found.
    pub(super) async fn flush_index(&self) -> Result<(), AskError> {
        let (done, flushed) = oneshot::channel();
        let index = self.index.clone();
        // The queue may be full for a moment; waiting for it must not hold up the runtime.
        tokio::task::spawn_blocking(move || index.send(IndexJob::Flush(done)))
            .await
            .map_err(|_| AskError::Closing)?
            .map_err(|_| AskError::Closing)?;
        let flushed = flushed.await.map_err(|_| AskError::Closing)?;
        Ok(flushed.map_err(ReadError::from)?)
    }
}

/// The trails that a question is about, in the order in which it wants their records.
fn in_order(last: &Arc<Info>, question: &Question) -> Result<Vec<Arc<Info>>, AskError> {
    let mut line = last.line();
    if let Some(origin) = &question.origin {
        line.retain(|info| info.origin == *origin);
    }
    if question.order == Order::NewestFirst {
        line.reverse();
    }
    if line.is_empty() { Err(AskError::Origin) } else { Ok(line) }
}

/// Where a question begins in a trail.
fn begin(question: &Question, info: &Info) -> Cursor {
    let next = match question.order {
        Order::NewestFirst => u64::MAX,
        Order::OldestFirst => 0,
    };
    Cursor { size: info.size(), next, question: question.digest(&info.origin, &info.key) }
}

/// In which of these trails to go on, and where.
fn start(
    question: &Question,
    line: &[Arc<Info>],
    tokens: PageToken<'_>,
    token: &str,
) -> Result<(usize, Cursor), AskError> {
    if token.is_empty() {
        return Ok((0, begin(question, &line[0])));
    }
    // A token is of a question to one trail.
    let taken = |info: &Arc<Info>| tokens.take(token, question.digest(&info.origin, &info.key), info.size());
    line.iter().enumerate().find_map(|(at, info)| Some((at, taken(info)?))).ok_or(AskError::Cursor)
}

/// Where the event with that id is: in that trail, or in one before it.
fn by_event_id(
    base: &Base,
    last: &Arc<Info>,
    id: &[u8; 16],
    alone: bool,
) -> Result<Option<(Arc<Info>, u64)>, ReadError> {
    for info in last.line().into_iter().rev().take(if alone { 1 } else { usize::MAX }) {
        if let Some(seq) = search::by_event_id(base, &info, id, info.size())? {
            return Ok(Some((info, seq)));
        }
    }
    Ok(None)
}

/// Runs work that waits for the disk where it does not hold up others.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, AskError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| AskError::Closing)?;
    Ok(done?)
}
