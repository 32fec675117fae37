//! A database, a name server, backups and traffic, failed over for real: `cluster/scenarios/postgres`, judged by what
//! the targets and the customers' log say, never by Baton's own record.

#[path = "../cluster/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the cluster's tests ask more questions than these")]
mod support;

mod disturbed;
mod dns;
mod failover;
mod journeys;
mod lab;
mod verdict;
