//! Committed commands, each an own request of an own client: the smallest thing that the log can be asked for, beside
//! the same of etcd.

use baton_client::Client;

use crate::etcd::{Etcd, Put};
use crate::place::{Place, origin};
use crate::report::{Report, Row, Target, counted};
use crate::steps::long_chain;
use crate::{Bench, disk, load};

/// As many bytes as each command carries.
const VALUE: usize = 256;

/// So many ask at once.
const CLIENTS: [usize; 4] = [1, 16, 64, 256];

/// Measures one after the other at each number of clients.
///
/// # Errors
/// If something does not come up, or a request fails.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let raw = disk::measure(&bench.dir, bench.span)?;
    report.add(Row::new("raw append + fdatasync", "1/s", raw.rate).note("256 bytes each"));
    report.add(Row::new("raw append + fdatasync, p50", "ms", raw.times.p50_ms()));
    for clients in CLIENTS {
        let theirs = match Etcd::start(&bench.dir).await? {
            Some(etcd) => Some(puts(&etcd, clients, bench).await?),
            None => None,
        };
        let place = Place::start(bench).await?;
        place.register(&declaration()).await?;
        let ours = commands(&place.client()?, clients, bench).await?;
        drop(place);
        let asked = counted(clients, "client");
        let what = |what: &str| format!("{what}, {asked}");
        let beside = |of: fn(&load::Measured) -> f64| theirs.as_ref().map(|theirs| ("etcd", of(theirs)));
        let rate = Row::new(what("committed commands"), "1/s", ours.rate)
            .beside(beside(|measured| measured.rate))
            .beside(Some(("raw sync", raw.rate)));
        report.add(match clients {
            1 => rate.target(Target::AtLeast(1.0, "etcd")),
            64.. => rate.target(Target::AtLeast(1.5, "etcd")),
            _ => rate,
        });
        report.add(
            Row::new(what("command p50"), "ms", ours.times.p50_ms()).beside(beside(|m| m.times.p50_ms())),
        );
        let tail =
            Row::new(what("command p99"), "ms", ours.times.p99_ms()).beside(beside(|m| m.times.p99_ms()));
        report.add(if clients >= 64 { tail.target(Target::AtMost(1.0, "etcd")) } else { tail });
    }
    Ok(())
}

async fn commands(client: &Client, clients: usize, bench: &Bench) -> anyhow::Result<load::Measured> {
    let reason = "x".repeat(VALUE);
    let client = client.clone();
    load::run(clients, bench.span, move |_| {
        let (client, reason) = (client.clone(), reason.clone());
        async move {
            client.set_capacity("bench", Some(1), &reason, &origin()).await?;
            Ok(())
        }
    })
    .await
}

/// A plan that declares the resource whose capacity is set again and again.
fn declaration() -> String {
    let plan = long_chain("declares", 1);
    plan.replace("spec:", "spec:\n  resources: {bench: 1}")
}

async fn puts(etcd: &Etcd, clients: usize, bench: &Bench) -> anyhow::Result<load::Measured> {
    // Like the leader that Baton's client talks to.
    let put = Put::to(&etcd.addresses(etcd.leader().await?)[0])?;
    load::run(clients, bench.span, move |number| {
        let put = put.clone();
        async move { put.put(&format!("bench-{number}"), &[b'x'; VALUE]).await }
    })
    .await
}
