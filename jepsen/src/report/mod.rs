//! The page of a test: one file, nothing from elsewhere. What was judged, what happened when, how long answers took, how
//! long nobody led, what the targets saw, and how to run it again.

mod draw;
mod effects;
mod lanes;
mod times;

use std::fmt::Write as _;

use crate::checker::{Evidence, Verdict, fired, overall};
use crate::store::Test;
use draw::escaped;

const STYLE: &str = "
:root{--ink:#1d2733;--soft:#5b6876;--line:#d9dfe6;--paper:#fff;--good:#1a7f4b;--bad:#b3261e;--open:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa7b4;--line:#30363d;--paper:#0d1117;--good:#3fb950;--bad:#f85149;--open:#d29922}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}p{margin:.3rem 0}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}code{font:13px ui-monospace,monospace;background:color-mix(in srgb,var(--line) 45%,transparent);padding:.1rem .3rem;border-radius:3px}
.true{color:var(--good)}.false{color:var(--bad)}.unknown{color:var(--open)}.soft{color:var(--soft)}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.scroll{overflow:auto;max-height:36rem;border:1px solid var(--line)}.grid span{display:inline-block;width:3.4rem;margin:.1rem;padding:.15rem;text-align:center;border:1px solid var(--line);border-radius:4px}
.grid .hit{background:var(--good);color:var(--paper);border-color:var(--good)}
";

/// The page.
pub(crate) fn page(test: &Test, evidence: &Evidence, verdicts: &[Verdict]) -> String {
    let valid = overall(verdicts).word();
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{valid}: {name}</title><style>{STYLE}</style>\n<h1><span class=\"{valid}\">{valid}</span> {name}</h1>\n",
        name = escaped(&test.name)
    );
    let _ = write!(
        page,
        "<p>{} against {}, {} s, seed {}, {}</p>\n<p>Again: <code>{}</code></p>\n",
        escaped(&test.workloads.join(", ")),
        if test.nemeses.is_empty() { "nothing".to_owned() } else { escaped(&test.nemeses.join(", ")) },
        test.time_limit_ms / 1000,
        test.seed,
        escaped(&test.sandbox),
        escaped(&test.again)
    );
    page.push_str(&verdict_table(verdicts));
    section(
        &mut page,
        "Takeovers",
        "From the fault at the leader until another one leads.",
        &times::takeovers(evidence),
    );
    section(
        &mut page,
        "Latency",
        "Every answered operation; a mark below the line had no answer. Bands are faults, until they were taken back.",
        &times::latency(evidence),
    );
    section(
        &mut page,
        "Availability",
        "Operations a second that were answered, refused, and left open.",
        &times::rate(evidence),
    );
    section(
        &mut page,
        "Timeline",
        "One lane a process; colours are those of above.",
        &lanes::lanes(evidence),
    );
    section(&mut page, "Faults", "", &fault_table(evidence));
    section(
        &mut page,
        "The matrix",
        "Rows that a fault has met in the state that it waited for.",
        &effects::matrix(evidence),
    );
    section(
        &mut page,
        "Effects",
        "What the targets saw of every step that began more than once, or failed; and how many were plain.",
        &effects::table(evidence),
    );
    page.push_str("</html>\n");
    page
}

fn section(page: &mut String, title: &str, words: &str, body: &str) {
    let _ = write!(page, "<h2>{title}</h2><p class=\"soft\">{words}</p>\n{body}\n");
}

fn verdict_table(verdicts: &[Verdict]) -> String {
    let row = |verdict: &Verdict| {
        let valid = verdict.valid.word();
        let findings: String =
            verdict.findings.iter().take(30).map(|finding| format!("<br>{}", escaped(finding))).collect();
        format!(
            "<tr><td class=\"{valid}\">{valid}<td>{}<td>{}{findings}",
            verdict.checker,
            escaped(&verdict.note)
        )
    };
    let rows: String = verdicts.iter().map(row).collect();
    format!("<h2>Laws</h2><table><tr><th>valid<th>law<th>looked at{rows}</table>\n")
}

fn fault_table(evidence: &Evidence) -> String {
    let row = |fault: crate::checker::Fired| {
        let class = match &*fault.outcome {
            "installed" => "",
            _ => "unknown",
        };
        let seconds = fault.time as f64 / 1e9;
        format!(
            "<tr><td>{seconds:.1} s<td>{}<td class=\"{class}\">{}<td>{}<td>{}",
            escaped(&fault.card),
            escaped(&fault.outcome),
            escaped(&fault.detail),
            fault.rows.join(" ")
        )
    };
    let rows: String = fired(&evidence.history).into_iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table><tr><th>at<th>fault<th>outcome<th>at whom<th>rows{rows}</table></div>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::{all, made};

    #[test]
    fn a_page_holds_everything_and_refers_to_nothing() {
        let mut evidence = made::history(
            "{:type :invoke :process 1 :f :start :time 1000000000 :value {:plan \"<p>\"}} {:type :ok :process 1 :f :start :time 1200000000 :value {:run \"r\"}}
             {:type :info :process :nemesis :f :fault :time 1100000000 :value {:card \"leader/granted\" :outcome \"installed\" :rows [\"M04\"]}}
             {:type :info :process :nemesis :f :takeover :time 1900000000 :value {:ms 650}}
             {:type :info :process :nemesis :f :healed :time 2000000000} {:type :invoke :process 2 :f :read :time 3000000000}",
        );
        evidence.witness = vec![made::seen("1 began r/a 7"), made::seen("2 began r/a 9")];
        let test = Test { name: "a <b> test".into(), ..Test::default() };
        let page = page(&test, &evidence, &all(&evidence));
        for part in
            ["a &lt;b&gt; test", "leader/granted", "class=\"hit\">M04", "650 ms", "r/a", "at-most-once"]
        {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<p>\""), "{page}");
    }
}
