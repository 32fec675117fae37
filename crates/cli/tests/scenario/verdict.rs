//! What the targets say: customers' log, databases, zone, backups.

use serde_json::Value;

use crate::lab::{Lab, script};

impl Lab {
    /// What `verdict.py` finds out.
    pub(crate) fn verdict(&self, primary: &str, run: &str) -> Value {
        let said = script("verdict.py", &[self.folder(), primary, run]).unwrap_or_else(|why| panic!("{why}"));
        serde_json::from_str(&said).expect("JSON")
    }

    /// The region is alone in charge: never two primaries, the zone and the writes are its own, and customers are served.
    #[track_caller]
    pub(crate) fn is_in_charge(&self, region: &str, run: &str) -> Value {
        self.until_acknowledged(5);
        let verdict = self.verdict(region, run);
        assert_eq!(verdict["watch"]["both_primary"], 0, "{verdict:#}");
        assert_eq!(verdict["writable"], serde_json::json!([region]), "{verdict:#}");
        assert_eq!(verdict["zone"], serde_json::json!([region]), "{verdict:#}");
        verdict
    }

    /// After a failover out of east: west is in charge, by one promotion, with one backup of the run, and no order that
    /// was acknowledged is missing beyond the gate's number.
    #[track_caller]
    pub(crate) fn has_failed_over(&self, run: &str) -> Value {
        self.until_succeeded(run);
        self.has_failed_over_with(run, 1)
    }

    /// [`Self::has_failed_over`] in a zone that was changed so often, by whomever.
    #[track_caller]
    pub(crate) fn has_failed_over_with(&self, run: &str, zone_changes: u64) -> Value {
        let verdict = self.is_in_charge("west", run);
        assert_eq!(verdict["timelines"]["timeline"], 2, "{verdict:#}");
        assert_eq!(verdict["timelines"]["histories"], 1, "{verdict:#}");
        assert_eq!(verdict["zone_changes"], zone_changes, "{verdict:#}");
        assert_eq!(verdict["backups"]["of_run"], 1, "{verdict:#}");
        let number = self.gate_number(run);
        let missing = verdict["orders"]["missing_before_loss_s"].as_f64().expect("seconds");
        assert!(missing <= number, "the gate said {number}: {verdict:#}");
        assert_eq!(verdict["backups"]["all"], 2, "{verdict:#}");
        let shown = self.cluster.show(run);
        let recovery = &shown["recovery"];
        assert_eq!(
            (&recovery["over"], &recovery["stop"]),
            (&true.into(), &"verify-order".into()),
            "{shown:#}"
        );
        assert!(
            recovery["elapsed_ms"].as_u64() < shown["elapsed_ms"].as_u64(),
            "a backup came after: {shown:#}"
        );
        verdict
    }

    /// Waits until a run has succeeded.
    #[track_caller]
    pub(crate) fn until_succeeded(&self, run: &str) {
        let mut shown = Value::Null;
        for _ in 0..3 {
            let ended = self.cluster.poll(|| {
                shown = self.cluster.try_show(run)?;
                (shown["status"] != "running").then_some(())
            });
            if ended.is_some() {
                break;
            }
        }
        assert_eq!(shown["status"], "succeeded", "{shown:#}");
    }

    /// How many seconds of orders the plan's gate saw missing.
    pub(crate) fn gate_number(&self, run: &str) -> f64 {
        let rpo = self.cluster.step(run, "rpo");
        let seconds = rpo["outputs"]["seconds"].as_str().and_then(|text| text.parse().ok());
        seconds.unwrap_or_else(|| panic!("no number: {rpo:#}"))
    }
}
