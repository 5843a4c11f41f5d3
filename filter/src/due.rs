//! Which calls have an entry that is out of date, and when it is set anew.
//!
//! A model answers with six events and then thinks for a minute. Envoy prints the entry that stands
//! every 15 seconds, and runs nothing of the filter for that; so what crossed last has to be in the
//! entry before anything else happens. To set it at every chunk would cost more than the hash. So a
//! call of which something crossed waits here for one second, whatever follows, and the plugin's tick
//! then sets its entry once: a busy stream costs one entry a second, as long as it is busy, and a
//! silent one nothing.

use std::{collections::BTreeMap, rc::Weak, time::Duration};

/// How often the plugin looks.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// How many ticks a call waits.
const WAIT_TICKS: u64 = 4;

/// How many entries one tick sets at most: the worker does nothing else meanwhile. The others are the
/// first ones of the next tick.
const MAX_PER_TICK: usize = 512;

/// The tick at which a call is due, and its context.
pub(crate) type Place = (u64, u32);

/// Calls that wait, in the order in which they are due.
#[derive(Debug)]
pub(crate) struct Due<T> {
    ticks: u64,
    waiting: BTreeMap<Place, Weak<T>>,
}

impl<T> Default for Due<T> {
    fn default() -> Self {
        Self { ticks: 0, waiting: BTreeMap::new() }
    }
}

impl<T> Due<T> {
    /// A call waits from now on.
    pub(crate) fn add(&mut self, context_id: u32, call: Weak<T>) -> Place {
        let place = (self.ticks.saturating_add(WAIT_TICKS), context_id);
        self.waiting.insert(place, call);
        place
    }

    /// A call waits no longer.
    pub(crate) fn remove(&mut self, place: Place) {
        self.waiting.remove(&place);
    }

    /// The calls whose time has come, with their contexts.
    pub(crate) fn tick(&mut self) -> Vec<(u32, Weak<T>)> {
        self.ticks = self.ticks.saturating_add(1);
        let mut ripe = Vec::new();
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= self.ticks
            && ripe.len() < MAX_PER_TICK
        {
            let ((_, context_id), call) = first.remove_entry();
            ripe.push((context_id, call));
        }
        ripe
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_call_is_due_after_its_wait_and_once() {
        let call = Rc::new(());
        let mut due = Due::default();
        due.add(1, Rc::downgrade(&call));
        due.tick();
        let gone = due.add(2, Rc::downgrade(&call));
        due.add(3, Rc::downgrade(&call));
        due.remove(gone);
        let ripe: Vec<Vec<u32>> =
            (0..6).map(|_| due.tick().into_iter().map(|(id, _)| id).collect()).collect();
        assert_eq!(ripe, [vec![], vec![], vec![1], vec![3], vec![], vec![]]);
        assert!(due.waiting.is_empty());
    }

    #[test]
    fn who_is_left_over_comes_first() {
        let call = Rc::new(());
        let mut due = Due::default();
        const LAST: u32 = 512;
        for id in 0..=LAST {
            due.add(id, Rc::downgrade(&call));
        }
        (1..WAIT_TICKS).for_each(|_| assert!(due.tick().is_empty()));
        assert_eq!(due.tick().len(), MAX_PER_TICK);
        assert_eq!(due.tick().into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [LAST]);
    }
}
