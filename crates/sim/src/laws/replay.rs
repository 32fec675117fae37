//! INV7: whoever applies the same log holds the same state, and answers the same; also where runs at rest are kept
//! elsewhere and come back only when they are named, and where every step is looked at again each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_engine::run::Run;
use baton_engine::{Batch, Reply, State};

use crate::world::World;

pub(super) fn check(world: &mut World) {
    let mut second = Second::default();
    for (index, entry) in world.book.entries.iter().enumerate() {
        if let Some(batch) = &entry.batch {
            let replies = second.apply(index as u64 + 1, batch);
            if replies != world.book.replies[index] {
                let what = format!("a second member that applied entry {} answers otherwise", index + 1);
                return world.broken("replay", what);
            }
        }
    }
    let kept = second.archive.len();
    if second.whole() != world.book.state {
        let what = format!(
            "a second member that applied the same log holds another state, {kept} runs apart from it"
        );
        world.broken("replay", what);
    }
}

/// A member that keeps runs at rest apart from its state, and remembers of no step that nothing can come of it.
#[derive(Default)]
struct Second {
    state: State,
    archive: BTreeMap<String, Arc<Run>>,
}

impl Second {
    fn apply(&mut self, index: u64, batch: &Batch) -> Vec<Reply> {
        let absent = self.state.absent(batch);
        let named: Vec<_> = absent.into_iter().filter_map(|id| self.archive.remove(id)).collect();
        named.into_iter().for_each(|run| self.state.put_back(run));
        self.state.look_anew();
        let replies = self.state.apply(index, batch);
        for run in self.state.came_to_rest(batch) {
            self.state.take_out(&run);
            self.archive.insert(run.id.clone(), run);
        }
        replies
    }

    fn whole(mut self) -> State {
        self.archive.into_values().for_each(|run| self.state.put_back(run));
        self.state
    }
}
