//! `http`: one request. What could not be sent did not happen; what was sent and not answered, nobody knows.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::act::{Deed, wait_for};
use super::answer::{Answer, Said};
use super::tls::{self, Tls};

/// The most of an answer's body that is read.
const MAX_BODY: usize = 1 << 20;

/// What a plan says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Http {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<String>,
    json: Option<Value>,
    expect: Option<Vec<u16>>,
    #[serde(default)]
    already: Vec<u16>,
    #[serde(default)]
    no_effect: Vec<u16>,
    #[serde(default = "not_found")]
    absent: Vec<u16>,
    #[serde(default, rename = "where")]
    must_hold: BTreeMap<String, String>,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    idempotency_key: Option<String>,
    token_header: Option<String>,
    #[serde(default)]
    may_fail: bool,
    #[serde(default = "half_a_minute")]
    timeout: u64,
    #[serde(default)]
    tls: Tls,
}

fn get() -> String {
    "GET".to_owned()
}

fn not_found() -> Vec<u16> {
    vec![404]
}

fn half_a_minute() -> u64 {
    30_000
}

/// Sends the request and says what its answer means.
pub(super) fn perform(asked: Http, deed: &Deed) -> Answer {
    let answer = wait_for(async { request(&asked, deed).await.unwrap_or_else(|answer| answer) });
    match asked.may_fail && !deed.is_question {
        true => delivered(answer),
        false => answer,
    }
}

/// A message that nobody waits for: it is done, whatever became of it.
fn delivered(answer: Answer) -> Answer {
    let (mut said, arrived) = match answer {
        Answer::Done(said) => (said, true),
        Answer::Failed(why) | Answer::NothingHappened(why) | Answer::Unknown(why) => {
            (Said { outputs: Vec::new(), text: format!("{why}\n") }, false)
        }
        Answer::Abandoned(why) => return Answer::Abandoned(why),
    };
    said.outputs.push(("delivered".into(), arrived.to_string()));
    Answer::Done(said)
}

async fn request(asked: &Http, deed: &Deed) -> Result<Answer, Answer> {
    let nothing = |why: String| Answer::NothingHappened(why);
    let uri: Uri = asked.url.parse().map_err(|error| nothing(format!("`{}`: {error}", asked.url)))?;
    let request = asked.request(&uri, deed).map_err(nothing)?;
    let deadline = Instant::now() + Duration::from_millis(asked.timeout);
    let connected = timeout_at(deadline, connect(&uri, &asked.tls)).await;
    let in_time = |_| nothing(format!("no connection to {} within {}ms", asked.url, asked.timeout));
    let mut sender = connected.map_err(in_time)?.map_err(nothing)?;
    deed.may_act()?;
    let lost = |why: String| Answer::Unknown(format!("the request was sent to {}, and {why}", asked.url));
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| told(&error))?;
        asked.read(response).await
    };
    match timeout_at(deadline, answer).await {
        Ok(Ok(response)) => Ok(asked.judge(&response, deed.is_question)),
        Ok(Err(why)) => Err(lost(why)),
        Err(_) => Err(lost(format!("no answer came within {}ms", asked.timeout))),
    }
}

/// hyper's own words and those of what is behind them.
fn told(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("the connection broke ({error}{})", cause.unwrap_or_default())
}

/// A connection on which nothing has been asked yet.
async fn connect(uri: &Uri, tls: &Tls) -> Result<SendRequest<Full<Bytes>>, String> {
    let host = uri.host().ok_or("the address names no host")?.trim_matches(['[', ']']);
    let is_tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("the address is neither http nor https".into()),
    };
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| format!("{host}:{port} cannot be reached: {error}"))?;
    // A request is one small write; waiting for more to come only delays it.
    let _ = stream.set_nodelay(true);
    match is_tls {
        true => speak(tls::connect(tls, host, stream).await?).await,
        false => speak(stream).await,
    }
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Its end shows as the end of the request.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// An answer, read.
struct Answered {
    status: u16,
    headers: HeaderMap,
    body: String,
    json: Option<Value>,
}

impl Http {
    fn request(&self, uri: &Uri, deed: &Deed) -> Result<Request<Full<Bytes>>, String> {
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|error| error.to_string())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let body = match (&self.body, &self.json) {
            (Some(body), _) => body.clone(),
            (None, Some(json)) => json.to_string(),
            (None, None) => String::new(),
        };
        let request = Request::builder().method(method).uri(path).body(Full::from(body));
        let mut request = request.map_err(|error| error.to_string())?;
        *request.headers_mut() = self.head(uri, deed)?;
        Ok(request)
    }

    fn head(&self, uri: &Uri, deed: &Deed) -> Result<HeaderMap, String> {
        let host = uri.authority().map_or("", |authority| {
            let whole = authority.as_str();
            whole.rsplit_once('@').map_or(whole, |(_, host)| host)
        });
        let mut headers = HeaderMap::new();
        let mut put = |name: &str, value: &str| {
            let cannot = |error: String| format!("the header `{name}` cannot be sent: {error}");
            let named = HeaderName::from_bytes(name.as_bytes()).map_err(|error| cannot(error.to_string()))?;
            let value = HeaderValue::from_str(value).map_err(|error| cannot(error.to_string()))?;
            headers.insert(named, value);
            Ok::<_, String>(())
        };
        put(HOST.as_str(), host)?;
        put(USER_AGENT.as_str(), concat!("baton/", env!("CARGO_PKG_VERSION")))?;
        if self.json.is_some() {
            put(CONTENT_TYPE.as_str(), "application/json")?;
        }
        if let (Some(name), Some(id)) = (&self.idempotency_key, &deed.request_id) {
            put(name, id)?;
        }
        if let Some(name) = &self.token_header {
            put(name, &deed.token.to_string())?;
        }
        let given = self.headers.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        given.into_iter().try_for_each(|(name, value)| put(name, value))?;
        Ok(headers)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answered, String> {
        let (head, body) = response.into_parts();
        let read = Limited::new(body, MAX_BODY).collect().await;
        let wants_body = !self.must_hold.is_empty() || !self.outputs.is_empty();
        let body = match read {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(error) if wants_body => return Err(format!("its answer could not be read whole: {error}")),
            // The status alone says what became of it.
            Err(_) => String::new(),
        };
        let json = serde_json::from_str(&body).ok();
        Ok(Answered { status: head.status.as_u16(), headers: head.headers, body, json })
    }

    fn judge(&self, answered: &Answered, is_question: bool) -> Answer {
        let status = answered.status;
        let is_expected = match &self.expect {
            Some(expected) => expected.contains(&status),
            None => (200..300).contains(&status),
        };
        let said = || format!("{} answered {status}{}", self.url, excerpt(&answered.body));
        if self.already.contains(&status) {
            let mut said = self.said(answered);
            said.outputs.push(("already".into(), "true".into()));
            return Answer::Done(said);
        }
        match is_expected {
            true => match self.does_not_hold(answered) {
                None => Answer::Done(self.said(answered)),
                Some(why) => Answer::Failed(format!("{}, and {why}", said())),
            },
            false if is_question && self.absent.contains(&status) => Answer::Failed(said()),
            false if is_question => Answer::Unknown(said()),
            false if self.no_effect.contains(&status) => Answer::NothingHappened(said()),
            false => Answer::Failed(said()),
        }
    }

    /// What the answer's JSON should hold and does not.
    fn does_not_hold(&self, answered: &Answered) -> Option<String> {
        self.must_hold.iter().find_map(|(pointer, wanted)| {
            let found = answered.at(pointer);
            (found.as_deref() != Some(wanted)).then(|| match found {
                Some(found) => format!("`{pointer}` is `{found}`, not `{wanted}`"),
                None => format!("there is no `{pointer}` in it"),
            })
        })
    }

    fn said(&self, answered: &Answered) -> Said {
        let mut outputs = vec![("status".to_owned(), answered.status.to_string())];
        for (name, from) in &self.outputs {
            let value = match from.strip_prefix("header:") {
                Some(header) => {
                    answered.headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned)
                }
                None => answered.at(from),
            };
            outputs.extend(value.map(|value| (name.clone(), value)));
        }
        Said { outputs, text: answered.body.clone() }
    }
}

impl Answered {
    /// What stands at a JSON pointer: a text as it is, all else as JSON.
    fn at(&self, pointer: &str) -> Option<String> {
        self.json.as_ref()?.pointer(pointer).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

/// The beginning of a body, for a sentence.
fn excerpt(body: &str) -> String {
    let short: String = body.trim().chars().take(200).collect();
    if short.is_empty() { String::new() } else { format!(": {short}") }
}
