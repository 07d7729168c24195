//! What there is of a controller: from headers, which say what was recorded and outlive it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::answer::AskError;
use super::super::base::Base;
use super::super::node::Node;
use super::super::reader::{ReadError, Reader};
use super::super::trails::Info;
use super::super::vault::Of;
use super::read;
use crate::model::closing::Export;
use crate::model::header::Kind;
use crate::model::origin::Controller;
use crate::model::permission::change::ActId;
use crate::model::policy::Class;
use crate::store::{Error, Family, Scan};

/// Records of a trail, counted up to a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records below it are counted.
    pub size: u64,
    /// Events by class.
    pub events: BTreeMap<Class, u64>,
    /// Events that the export does not cover, but for what reads of the trail and refusals left.
    pub unexported: u64,
}

impl Counts {
    /// Counts on, up to `size`.
    pub(super) fn go_on(
        &mut self,
        base: &Base,
        info: &Info,
        export: Option<Export>,
        size: u64,
    ) -> Result<(), ReadError> {
        let mut reader = Reader::headers(base, info).once();
        for seq in self.size..size {
            let header = reader.linked(seq)?.header;
            if header.kind == Kind::Notice {
                continue;
            }
            *self.events.entry(header.class).or_default() += 1;
            let covered = export.is_none_or(|export| seq < export.size);
            let own = matches!(header.class, Class::LogAccess | Class::Security);
            self.unexported += u64::from(!covered && !own);
        }
        self.size = self.size.max(size);
        Ok(())
    }
}

/// What would be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Its records.
    pub counts: Counts,
    /// Pseudonyms that lead to somebody.
    pub people: u64,
    /// Holds that must be released first.
    pub holds: Vec<ActId>,
}

impl Node {
    /// Counts the events of a controller, before they are destroyed.
    pub(super) async fn count_closing(
        self: &Arc<Self>,
        of: &Controller,
        export: Option<Export>,
    ) -> Result<Counts, AskError> {
        let info = self.trail(of).await?;
        let size = info.size();
        read(self, &info, move |base, info| {
            let mut counts = Counts::default();
            counts.go_on(base, info, export, size)?;
            Ok(counts)
        })
        .await
    }

    /// What closing a controller would destroy. Nothing changes, nothing is recorded.
    ///
    /// # Errors
    ///
    /// There is no such controller, it is closed, or reading fails.
    pub async fn what_closing_destroys(self: &Arc<Self>, of: &Controller) -> Result<Preview, AskError> {
        let info = self.trail(of).await?;
        if let Some(on) = self.base.closed_on(of, Some(&info)) {
            return Err(AskError::Closed { on });
        }
        let counts = self.count_closing(of, None).await?;
        let people = read(self, &info, |base, info| Ok(people(base, info)?)).await?;
        let holds = self.acts(of).holds().standing().map(|hold| hold.id.clone()).collect();
        Ok(Preview { counts, people, holds })
    }
}

/// Rows of the vault that open under a controller's key.
fn people(base: &Base, info: &Info) -> Result<u64, Error> {
    let of = Of { controller: &info.controller, key: &info.key };
    let mut people = 0;
    for row in base.vault.store().scan(Scan::all(Family::Row)) {
        let (key, value) = row?;
        people += u64::from(base.vault.examine(of, &key, &value).is_some());
    }
    Ok(people)
}
