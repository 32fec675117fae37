//! How long the recovery took: from the start of the run to the end of the step that its plan names, or of the run.

use baton_plan::plan::Plan;

use crate::event::Event;
use crate::run::{Run, Status};

/// How long the recovery has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// Milliseconds of cluster time.
    pub elapsed_ms: u64,
    /// It is over: the time counts no further.
    pub is_over: bool,
}

impl Run {
    /// How long its recovery has taken until `now_ms`. A run that ends otherwise than well, without reaching the step that
    /// stops the clock, has not recovered; its time is that of the run.
    pub fn recovery(&self, plan: &Plan, now_ms: u64) -> Recovery {
        let stop = plan.recovery.stop().map(|stop| plan.steps[stop].name.as_str());
        let stopped = stop.and_then(|stop| {
            let is_done = |event: &Event| match event {
                Event::StepSucceeded { step, .. } | Event::StepSkipped { step, .. } => step == stop,
                _ => false,
            };
            self.timeline.iter().rev().find(|record| is_done(&record.event))
        });
        match stopped {
            Some(record) => {
                let ended_ms = record.at.stamp.time_ms;
                let elapsed_ms = ended_ms.saturating_sub(self.started.stamp.time_ms);
                Recovery { elapsed_ms, is_over: true }
            }
            None => Recovery {
                elapsed_ms: self.elapsed_ms(now_ms),
                is_over: stop.is_none() && self.status == Status::Succeeded,
            },
        }
    }
}
