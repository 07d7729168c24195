//! Which controllers somebody may see.

use std::sync::Arc;

use super::auth::door::Door;
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::scope::Scope;
use crate::trail::answer::AskError;
use crate::trail::controllers::Controllers as Found;
use crate::trail::node::Node;

/// Who lists controllers by a call, and what they need for each.
pub(super) struct Listing<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) door: &'a Arc<Door>,
    pub(super) caller: &'a Caller,
    pub(super) need: Permission,
    pub(super) call: &'static str,
}

impl Listing<'_> {
    /// Those that there are, by name, and for which the caller has that permission, after that one. Whoever has it for
    /// some by name has each of them looked up on its own: how long that takes tells nothing of others. Who may see none
    /// hears `hidden`.
    ///
    /// # Errors
    ///
    /// The caller has it for none by the policy, which is recorded; or reading fails.
    pub(super) async fn page(
        &self,
        after: Option<Controller>,
        limit: usize,
        hidden: Refusal,
    ) -> Result<Found, Refusal> {
        let (door, caller, need) = (self.door.clone(), self.caller.clone(), self.need);
        let mine = move |of: &Controller| door.by(&caller, need, of).is_some();
        let scope = self.door.scope(self.caller, need, self.call).map_err(|why| Refusal::forbidden(why, hidden))?;
        let named = match scope {
            Scope::All => return Ok(self.node.controllers(after, limit, mine).await?),
            Scope::Named(named) => named,
        };
        let mut found = Found { controllers: Vec::new(), next: None };
        for of in named.iter().filter(|of| after.as_ref() < Some(*of) && !of.is_node() && mine(of)) {
            match self.node.controller(of).await {
                Ok(_) if found.controllers.len() == limit => {
                    found.next = found.controllers.last().map(|last| last.controller.clone());
                    break;
                }
                Ok(about) => found.controllers.push(about),
                Err(AskError::NoController) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }
}
