//! `dns`: records replaced at a zone's primary name server (RFC 2136), with `from` by compare and set. Spoken over TCP:
//! a connection that is refused says that nothing was sent.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};
use serde::Deserialize;

use super::act::Deed;
use super::answer::{Answer, Said};

/// How far the clocks of both sides may be apart, seconds; what RFC 8945 recommends.
const FUDGE: u16 = 300;

/// What a plan says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dns {
    server: String,
    zone: String,
    name: String,
    #[serde(default, rename = "type")]
    kind: Kind,
    to: Vec<String>,
    from: Option<Vec<String>>,
    #[serde(default = "a_minute")]
    ttl: u32,
    tsig: Option<Tsig>,
    #[serde(default = "five_seconds")]
    timeout: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tsig {
    name: String,
    #[serde(default)]
    algorithm: Algorithm,
    key: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Kind {
    #[default]
    A,
    #[serde(rename = "AAAA")]
    Aaaa,
    #[serde(rename = "CNAME")]
    Cname,
    #[serde(rename = "TXT")]
    Txt,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Algorithm {
    #[default]
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

fn a_minute() -> u32 {
    60
}

fn five_seconds() -> u64 {
    5000
}

/// Replaces the records, or asks what they are.
pub(super) fn perform(asked: Dns, deed: &Deed) -> Answer {
    let answered = match deed.is_question {
        true => asked.ask(),
        false => asked.set(deed),
    };
    answered.unwrap_or_else(|answer| answer)
}

impl Dns {
    fn set(&self, deed: &Deed) -> Result<Answer, Answer> {
        let nothing = Answer::NothingHappened;
        // A step template has a name for a key, which a plan may leave empty.
        let tsig = self.tsig.as_ref().filter(|tsig| !tsig.name.is_empty());
        let signer = tsig.map(Tsig::signer).transpose().map_err(nothing)?;
        let update = self.update().map_err(nothing)?;
        let stream = self.connect().map_err(nothing)?;
        deed.may_act()?;
        let unknown = |why| Answer::Unknown(format!("the update was sent to {}, and {why}", self.server));
        let answer = exchange(stream, update, signer.as_ref()).map_err(unknown)?;
        match answer.response_code {
            ResponseCode::NoError => Ok(Answer::done([("records", self.to.join(","))])),
            // Somebody was there before: an earlier attempt of ours, or another.
            ResponseCode::NXRRSet
            | ResponseCode::YXRRSet
            | ResponseCode::NXDomain
            | ResponseCode::YXDomain => self.look_after(),
            ResponseCode::ServFail => Err(unknown("the name server failed over it (SERVFAIL)".into())),
            code => Err(nothing(format!("{} refused the update: {}", self.server, refusal(code, &answer)))),
        }
    }

    /// The expectation does not hold: what is as wanted all the same was done before.
    fn look_after(&self) -> Result<Answer, Answer> {
        let expected = || self.from.as_ref().map_or(String::new(), |from| from.join(", "));
        match self.records() {
            Ok(found) if found == self.wanted()? => Ok(Answer::already()),
            Ok(found) => Err(Answer::NothingHappened(format!(
                "{} is {}, where {} was expected; nothing was changed",
                self.name,
                listed(&found),
                if expected().is_empty() { "no record".to_owned() } else { expected() }
            ))),
            Err(why) => Err(Answer::Unknown(format!("what was expected does not hold any more, and {why}"))),
        }
    }

    fn ask(&self) -> Result<Answer, Answer> {
        let found = self.records().map_err(Answer::Unknown)?;
        match found == self.wanted()? {
            true => {
                let said = format!("{} is {}\n", self.name, listed(&found));
                Ok(Answer::Done(Said { outputs: Vec::new(), text: said }))
            }
            false => Ok(Answer::Failed(format!("{} is {}", self.name, listed(&found)))),
        }
    }

    fn wanted(&self) -> Result<BTreeSet<String>, Answer> {
        let wanted = self.to.iter().map(|value| Ok(self.data(value)?.to_string()));
        wanted.collect::<Result<_, String>>().map_err(Answer::NothingHappened)
    }

    /// What the zone's own server has now.
    fn records(&self) -> Result<BTreeSet<String>, String> {
        let mut message = Message::query();
        message.metadata.recursion_desired = false;
        let mut query = Query::query(name(&self.name)?, self.record_type());
        query.set_query_class(DNSClass::IN);
        message.add_query(query);
        let answer = exchange(self.connect()?, message, None)
            .map_err(|why| format!("{} was asked for {}, and {why}", self.server, self.name))?;
        match answer.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if answer.authoritative => {}
            ResponseCode::NoError | ResponseCode::NXDomain => {
                return Err(format!("{} does not answer for the zone of {} itself", self.server, self.name));
            }
            code => return Err(format!("{} answered with {code}", self.server)),
        }
        let wanted = self.record_type();
        let of_type = answer.answers.iter().filter(|record| record.record_type() == wanted);
        Ok(of_type.map(|record| record.data.to_string()).collect())
    }

    fn record_type(&self) -> RecordType {
        match self.kind {
            Kind::A => RecordType::A,
            Kind::Aaaa => RecordType::AAAA,
            Kind::Cname => RecordType::CNAME,
            Kind::Txt => RecordType::TXT,
        }
    }

    fn data(&self, value: &str) -> Result<RData, String> {
        let cannot = |error: String| format!("`{value}` cannot be such a record: {error}");
        Ok(match self.kind {
            Kind::A => RData::A(A(value.parse().map_err(|_| cannot("it is no IPv4 address".into()))?)),
            Kind::Aaaa => {
                RData::AAAA(AAAA(value.parse().map_err(|_| cannot("it is no IPv6 address".into()))?))
            }
            Kind::Cname => RData::CNAME(CNAME(name(value)?)),
            Kind::Txt if value.len() > 255 => return Err(cannot("it is longer than 255 bytes".into())),
            Kind::Txt => RData::TXT(TXT::new(vec![value.to_owned()])),
        })
    }

    /// Prerequisites and changes, in one message: the server carries out all of it or nothing.
    fn update(&self) -> Result<Message, String> {
        let (zone, own) = (name(&self.zone)?, name(&self.name)?);
        if !zone.zone_of(&own) {
            return Err(format!("{} is not in the zone {}", self.name, self.zone));
        }
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        let mut question = Query::query(zone, RecordType::SOA);
        question.set_query_class(DNSClass::IN);
        message.add_query(question);
        let none = |class| {
            let mut record = Record::update0(own.clone(), 0, self.record_type());
            record.dns_class = class;
            record
        };
        match &self.from {
            // There must be none.
            Some(from) if from.is_empty() => drop(message.add_answer(none(DNSClass::NONE))),
            Some(from) => {
                for value in from {
                    message.add_answer(Record::from_rdata(own.clone(), 0, self.data(value)?));
                }
            }
            None => {}
        }
        // All that there are go, and the new ones come.
        message.add_authority(none(DNSClass::ANY));
        for value in &self.to {
            message.add_authority(Record::from_rdata(own.clone(), self.ttl, self.data(value)?));
        }
        Ok(message)
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let limit = Duration::from_millis(self.timeout);
        let connect = || {
            let addresses = match self.server.contains(':') {
                true => self.server.to_socket_addrs(),
                false => (self.server.as_str(), 53).to_socket_addrs(),
            };
            let address = addresses?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
            let stream = TcpStream::connect_timeout(&address, limit)?;
            stream.set_read_timeout(Some(limit))?;
            stream.set_write_timeout(Some(limit))?;
            Ok(stream)
        };
        connect().map_err(|error: io::Error| format!("{} cannot be reached: {error}", self.server))
    }
}

impl Tsig {
    fn signer(&self) -> Result<TSigner, String> {
        let key = self.key.as_ref().ok_or("the TSIG key is not given")?;
        let key = BASE64.decode(key.trim()).map_err(|_| "the TSIG key is not base64")?;
        let algorithm = match self.algorithm {
            Algorithm::HmacSha256 => TsigAlgorithm::HmacSha256,
            Algorithm::HmacSha384 => TsigAlgorithm::HmacSha384,
            Algorithm::HmacSha512 => TsigAlgorithm::HmacSha512,
        };
        TSigner::new(key, algorithm, name(&self.name)?, FUDGE).map_err(|error| error.to_string())
    }
}

/// One message and its answer, signed where there is a key.
fn exchange(
    mut stream: TcpStream,
    mut message: Message,
    signer: Option<&TSigner>,
) -> Result<Message, String> {
    message.metadata.id = fastrand::u16(..);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut verifier = match signer {
        Some(signer) => message.finalize(signer, now).map_err(|error| error.to_string())?,
        None => None,
    };
    let asked = message.to_vec().map_err(|error| error.to_string())?;
    let bytes = talk(&mut stream, &asked).map_err(|error| format!("no answer came: {error}"))?;
    let answer = Message::from_vec(&bytes).map_err(|error| format!("its answer cannot be read: {error}"))?;
    if answer.id != message.id {
        return Err("its answer is to another question".into());
    }
    // A refusal of the key itself cannot be signed with it; believing it changes nothing.
    if let (Some(verifier), ResponseCode::NoError) = (&mut verifier, answer.response_code) {
        verifier.verify(&bytes).map_err(|error| format!("its answer is not signed by the key: {error}"))?;
    }
    Ok(answer)
}

/// Over TCP, a length of two bytes stands before each message.
fn talk(stream: &mut TcpStream, asked: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(asked.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(asked);
    stream.write_all(&framed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn name(text: &str) -> Result<Name, String> {
    let mut name = Name::from_ascii(text).map_err(|error| format!("`{text}` is no name: {error}"))?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}

fn listed(records: &BTreeSet<String>) -> String {
    match records.is_empty() {
        true => "without a record".to_owned(),
        false => records.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}

/// What a refusal means, in a sentence; the name server's own code is not always one.
fn refusal(code: ResponseCode, answer: &Message) -> String {
    let signature = answer.signature().and_then(|record| record.data.error.as_ref());
    match (code, signature) {
        (ResponseCode::NotAuth, Some(error)) => format!("NOTAUTH, the key was not accepted ({error:?})"),
        (ResponseCode::NotAuth, None) => {
            "NOTAUTH, it is not the zone's primary, or does not know the key".into()
        }
        (ResponseCode::Refused, _) => "REFUSED, the key may not change this name".into(),
        (ResponseCode::NotZone, _) => "NOTZONE, the name is in another zone".into(),
        (code, _) => code.to_string(),
    }
}
