//! Native actions against real targets: servers of the test's own, and the real PostgreSQL, Knot, BIND and HAProxy where
//! their packages are installed.

mod deaths;
pub(crate) mod dns;
pub(crate) mod haproxy;
pub(crate) mod http;
pub(crate) mod kubernetes;
pub(crate) mod postgres;
pub(crate) mod server;
mod wire;
