//! Whom a request for an erasure concerns: named by a pseudonym, so that once it leads to nobody, neither does the request.

use std::sync::Arc;

use super::super::answer::{AskError, blocking};
use super::super::base::Base;
use super::super::node::Node;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::vault::Known;
use super::everybody::of;
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::origin::Controller;

const PSEUDONYM: &str = "pseudonym:";
/// What is no person: a request concerning a controller names it so.
const CONTROLLER: &str = "controller:";

/// How a request names somebody.
pub(super) fn text(known: &Known) -> Option<String> {
    let (_, first) = known.pseudonyms.first()?;
    let pseudonym = known.pseudonym(Domain::Access).unwrap_or(*first);
    Some(format!("{PSEUDONYM}{}", blake3::Hash::from_bytes(pseudonym.0).to_hex()))
}

fn pseudonym(text: &str) -> Option<Pseudonym> {
    let hash = blake3::Hash::from_hex(text.strip_prefix(PSEUDONYM)?).ok()?;
    Some(Pseudonym(*hash.as_bytes()))
}

/// Whether the text of a request names a pseudonym that leads to nobody.
pub(super) fn leads_nowhere(base: &Base, info: &Info, text: &str) -> bool {
    pseudonym(text).is_some_and(|pseudonym| base.vault.identity(of(info), &pseudonym) == Ok(None))
}

/// Whom the text of a request names, as far as that leads to somebody.
fn led(base: &Base, info: &Info, text: &str) -> Result<String, ReadError> {
    let Some(pseudonym) = pseudonym(text) else { return Ok(text.to_owned()) };
    let found = base.vault.identity(of(info), &pseudonym)?.filter(|who| !who.id.is_empty());
    Ok(found.map_or_else(|| text.to_owned(), |who| format!("{}:{}", who.namespace, who.id)))
}

impl Node {
    /// What a request for an erasure is to record of whom it concerns, who is given as `NAMESPACE:ID`, or as `controller:NAME`;
    /// `None`: nobody is known by that name, so that nobody is erased by it.
    ///
    /// # Errors
    ///
    /// The controller has no trail, or reading fails.
    pub async fn concerning(self: &Arc<Self>, controller: &Controller, text: &str) -> Result<Option<String>, AskError> {
        let Some((namespace, id)) = text.split_once(':').filter(|_| !text.starts_with(CONTROLLER)) else {
            return Ok(Some(text.to_owned()));
        };
        let info = self.trail(controller).await?;
        let (node, who) = (self.clone(), Identity::new(namespace, id));
        blocking(move || Ok(node.base.vault.known(of(&info), &who)?.as_ref().and_then(self::text))).await
    }

    /// What requests say of whom they concern, led back as far as that leads to somebody still.
    ///
    /// # Errors
    ///
    /// As of [`Self::concerning`].
    pub async fn concerned(
        self: &Arc<Self>,
        controller: &Controller,
        texts: Vec<String>,
    ) -> Result<Vec<String>, AskError> {
        let info = self.trail(controller).await?;
        let node = self.clone();
        blocking(move || texts.iter().map(|text| led(&node.base, &info, text)).collect()).await
    }
}
