//! What holds keep, before anything of a date goes.

use std::collections::BTreeSet;

use super::super::super::base::Base;
use super::super::super::group::WriteError;
use super::super::super::hold::stage::Stager;
use super::super::super::reader::ReadError;
use super::{Stage, Zone};
use crate::store::keys::Trail;

impl Zone {
    /// Trails with holds, also those of which nothing is due: what is due tomorrow is kept today.
    pub(super) fn held(&self, base: &Base) -> BTreeSet<Trail> {
        let held = self.controllers.iter().filter(|(_, controller)| !base.holds.of(controller).is_empty());
        held.map(|(trail, _)| *trail).collect()
    }

    /// Keeps some more of what holds cover: all of it must be durable before anybody tells that it is gone.
    pub(super) fn hold(&mut self, base: &Base) -> Result<(), ReadError> {
        let Stage::Hold(waiting, now) = &mut self.stage else { return Ok(()) };
        if let Some(stager) = now {
            if !stager.slice(base)? {
                *now = None;
            }
            return Ok(());
        }
        let Some(trail) = waiting.pop_first() else {
            self.stage = Stage::Tell;
            return Ok(());
        };
        let Some(controller) = self.controllers.get(&trail) else { return Ok(()) };
        match base.trail(controller) {
            Ok(Some(last)) => {
                let info = last.of_line(trail);
                *now = info.map(|info| Stager::new(base, info, self.task.through)).transpose()?;
            }
            // Nothing of it can be read, so nothing can be held: that it is damaged is said when it cannot tell.
            Ok(None) => {}
            Err(error) if WriteError::from(error.clone()).is_damage() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
