//! Native actions against real targets: servers of the test's own, and the real PostgreSQL, Knot and HAProxy where
//! their packages are installed.

mod dns;
mod haproxy;
mod http;
mod postgres;
mod server;
