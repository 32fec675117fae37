//! Ports that the system chooses.

use std::io;
use std::net::TcpListener;

/// An address for everyone: the one from last time where it is free, else a new one. All are held
/// until all are chosen, so that no two are the same.
pub(crate) fn choose(last_time: &[String], count: usize) -> io::Result<Vec<String>> {
    let wanted = last_time.iter().map(String::as_str).chain(std::iter::repeat("127.0.0.1:0")).take(count);
    let bind = |address: &str| TcpListener::bind(address).or_else(|_| TcpListener::bind("127.0.0.1:0"));
    let held = wanted.map(bind).collect::<io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_come_back_when_free() {
        let first = choose(&[], 3).unwrap();
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = (taken.local_addr().unwrap().to_string(), taken);
        let again = choose(std::slice::from_ref(&taken.0), 2).unwrap();
        assert!(!again.contains(&taken.0), "{again:?} holds {}", taken.0);
    }
}
