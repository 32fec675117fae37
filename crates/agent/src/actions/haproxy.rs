//! `haproxy`: the runtime API. Only its text says whether something was wrong: an empty answer is a good one.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Deserialize;

use super::act::Deed;
use super::answer::Answer;

/// The most that is read of an answer: the servers of one backend.
const MAX_ANSWER: u64 = 4 << 20;

/// Bits of a server's administrative state, as HAProxy's `show servers state` has them.
const MAINT: u32 = 0x01 | 0x02 | 0x20;
const DRAIN: u32 = 0x08 | 0x10;
/// Its operational states.
const STOPPED: u32 = 0;
const RUNNING: u32 = 2;

/// What a plan says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Haproxy {
    socket: String,
    servers: Vec<String>,
    state: Wanted,
    #[serde(default)]
    cut_sessions: bool,
    #[serde(default = "five_seconds")]
    timeout: u64,
}

fn five_seconds() -> u64 {
    5000
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Ready,
    Drain,
    Maint,
    Up,
    Down,
}

impl Wanted {
    fn word(self) -> &'static str {
        match self {
            Wanted::Ready => "ready",
            Wanted::Drain => "drain",
            Wanted::Maint => "maint",
            Wanted::Up => "up",
            Wanted::Down => "down",
        }
    }

    fn is(self, state: State) -> bool {
        match self {
            Wanted::Ready => state.admin & (MAINT | DRAIN) == 0,
            Wanted::Drain => state.admin & DRAIN != 0 && state.admin & MAINT == 0,
            Wanted::Maint => state.admin & MAINT != 0,
            Wanted::Up => state.operational == RUNNING && state.admin & MAINT == 0,
            Wanted::Down => state.operational == STOPPED,
        }
    }
}

/// One server, as HAProxy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    operational: u32,
    admin: u32,
}

/// Sets the state, or asks whether it is so.
pub(super) fn perform(asked: Haproxy, deed: &Deed) -> Answer {
    let answered = match deed.is_question {
        true => asked.ask(),
        false => asked.set(deed),
    };
    answered.unwrap_or_else(|answer| answer)
}

impl Haproxy {
    fn set(&self, deed: &Deed) -> Result<Answer, Answer> {
        // A look first: an address at which nobody answers, or a server that is not there, is no doubt.
        for server in &self.servers {
            self.state_of(server).map_err(Answer::NothingHappened)?;
        }
        deed.may_act()?;
        for server in &self.servers {
            let state = self.state.word();
            self.obeyed(&format!("set server {server} state {state}"))?;
            if self.cut_sessions {
                self.obeyed(&format!("shutdown sessions server {server}"))?;
            }
        }
        match self.not_so().map_err(Answer::Unknown)? {
            None => Ok(Answer::done([("servers", self.servers.join(","))])),
            Some(why) => Ok(Answer::Failed(format!("HAProxy accepted it, and still {why}"))),
        }
    }

    fn ask(&self) -> Result<Answer, Answer> {
        match self.not_so().map_err(Answer::Unknown)? {
            None => Ok(Answer::done([])),
            Some(why) => Ok(Answer::Failed(why)),
        }
    }

    /// The first server that is not as wanted.
    fn not_so(&self) -> Result<Option<String>, String> {
        for server in &self.servers {
            let state = self.state_of(server)?;
            if !self.state.is(state) {
                let State { operational, admin } = state;
                let wanted = self.state.word();
                return Ok(Some(format!(
                    "{server} is not {wanted} (operational state {operational}, administrative state {admin:#x})"
                )));
            }
        }
        Ok(None)
    }

    /// A command whose good answer is none.
    fn obeyed(&self, command: &str) -> Result<(), Answer> {
        match self.say(command) {
            Ok(answer) if answer.trim().is_empty() => Ok(()),
            Ok(answer) => {
                Err(Answer::Failed(format!("HAProxy answered `{command}` with: {}", answer.trim())))
            }
            Err(why) => Err(Answer::Unknown(format!("`{command}` was sent, and {why}"))),
        }
    }

    fn state_of(&self, server: &str) -> Result<State, String> {
        let (backend, name) =
            server.split_once('/').ok_or_else(|| format!("`{server}` is not BACKEND/SERVER"))?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != ';';
        if !server.chars().all(plain) {
            return Err(format!("`{server}` cannot be the name of a server"));
        }
        let answer = self.say(&format!("show servers state {backend}"))?;
        find(&answer, name).ok_or_else(|| match answer.lines().any(|line| line.starts_with('#')) {
            true => format!("{backend} has no server {name}"),
            false => format!("HAProxy says: {}", answer.trim()),
        })
    }

    /// One command, on a connection of its own: HAProxy closes it after the answer.
    fn say(&self, command: &str) -> Result<String, String> {
        let heard = self.connect().and_then(|mut stream| {
            stream.write_all(command.as_bytes())?;
            stream.write_all(b"\n")?;
            let mut answer = String::new();
            stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
            Ok(answer)
        });
        heard.map_err(|error| format!("HAProxy at {} did not answer: {error}", self.socket))
    }

    fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let limit = Some(Duration::from_millis(self.timeout));
        if self.socket.starts_with('/') {
            let stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(limit)?;
            stream.set_write_timeout(limit)?;
            return Ok(Box::new(stream));
        }
        let address = self.socket.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect_timeout(&address, Duration::from_millis(self.timeout))?;
        stream.set_read_timeout(limit)?;
        stream.set_write_timeout(limit)?;
        Ok(Box::new(stream))
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A server's line in what `show servers state` answers: the names of the columns stand in the line with `#`.
fn find(answer: &str, server: &str) -> Option<State> {
    let names = answer.lines().find_map(|line| line.strip_prefix("# "))?;
    let column = |wanted: &str| names.split_whitespace().position(|name| name == wanted);
    let (name, operational, admin) =
        (column("srv_name")?, column("srv_op_state")?, column("srv_admin_state")?);
    answer.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse().ok();
        (fields.get(name) == Some(&server))
            .then(|| Some(State { operational: number(operational)?, admin: number(admin)? }))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n\
        3 app 1 a 127.0.0.1 2 0 1\n3 app 2 b 127.0.0.1 0 5 1\n3 app 3 c 127.0.0.1 2 8 1\n\n";

    #[test]
    fn a_server_is_found_by_the_names_of_the_columns() {
        assert_eq!(find(ANSWER, "a"), Some(State { operational: 2, admin: 0 }));
        assert_eq!(find(ANSWER, "b"), Some(State { operational: 0, admin: 5 }));
        assert_eq!(find(ANSWER, "z"), None);
        assert_eq!(find("Can't find backend.\n", "a"), None);
    }

    #[test]
    fn states_are_read_off_the_bits() {
        let state = |name| find(ANSWER, name).unwrap();
        let is = |name, wanted: [Wanted; 5]| wanted.map(|wanted| wanted.is(state(name)));
        let all = [Wanted::Ready, Wanted::Drain, Wanted::Maint, Wanted::Up, Wanted::Down];
        assert_eq!(is("a", all), [true, false, false, true, false]);
        assert_eq!(is("b", all), [false, false, true, false, true]);
        assert_eq!(is("c", all), [false, true, false, true, false]);
    }
}
