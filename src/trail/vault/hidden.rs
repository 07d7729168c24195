//! Whose records are left out of ordinary searches: their pseudonyms, by controller. The rows of the family `removal` say so;
//! this is what a search looks at.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::identity::Pseudonym;
use crate::model::origin::Controller;

/// Pseudonyms by controller.
#[derive(Debug, Default)]
pub struct Hidden(RwLock<HashMap<Controller, Arc<HashSet<Pseudonym>>>>);

impl Hidden {
    /// Those of a controller.
    pub fn of(&self, controller: &Controller) -> Arc<HashSet<Pseudonym>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(controller).cloned().unwrap_or_default()
    }

    /// Whether records of whoever has that pseudonym are left out.
    pub fn hides(&self, controller: &Controller, pseudonym: &[u8]) -> bool {
        let own = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let pseudonym = Pseudonym::from_slice(pseudonym);
        pseudonym.is_some_and(|pseudonym| own.get(controller).is_some_and(|own| own.contains(&pseudonym)))
    }

    /// Leaves them out from here on.
    pub fn add(&self, people: impl IntoIterator<Item = (Controller, Pseudonym)>) {
        let mut people = people.into_iter().peekable();
        if people.peek().is_none() {
            return;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (controller, pseudonym) in people {
            Arc::make_mut(all.entry(controller).or_default()).insert(pseudonym);
        }
    }

    /// Lets them be found again.
    pub fn remove(&self, controller: &Controller, people: &[Pseudonym]) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(controller) {
            Arc::make_mut(own).retain(|pseudonym| !people.contains(pseudonym));
            if own.is_empty() {
                all.remove(controller);
            }
        }
    }
}
