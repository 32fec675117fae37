//! `postgres`: SQL on a connection of its own. The SQLSTATE says what became of it; a connection that breaks says
//! nothing.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use super::act::{Deed, wait_for};
use super::answer::{Answer, Said};
use super::tls::{ForPostgres, Tls};

mod values;

/// How much longer than the server's own limit an answer is waited for.
const PATIENCE_MS: u64 = 2000;

/// What a plan says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Postgres {
    host: String,
    #[serde(default = "usual_port")]
    port: String,
    database: Option<String>,
    user: String,
    password: Option<String>,
    sql: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    already: Vec<String>,
    expect: Option<String>,
    #[serde(default = "ten_seconds")]
    connect_timeout: u64,
    #[serde(default = "a_minute")]
    timeout: u64,
    tls: Option<Tls>,
}

fn usual_port() -> String {
    "5432".to_owned()
}

fn ten_seconds() -> u64 {
    10_000
}

fn a_minute() -> u64 {
    60_000
}

/// What the SQL answered: the columns of the first row, and how many rows there were.
#[derive(Debug, Default)]
struct Rows {
    first: Vec<(String, Option<String>)>,
    count: u64,
}

/// Where it went wrong, as far as that says what became of the SQL.
enum Broken {
    /// Before it was sent.
    Before(String),
    /// While it was carried out; so many statements were complete by then.
    Within { error: Error, complete: usize },
}

/// Executes the SQL and says what its end means.
pub(super) fn perform(asked: Postgres, deed: &Deed) -> Answer {
    wait_for(async { asked.answer(deed).await.unwrap_or_else(|answer| answer) })
}

impl Postgres {
    async fn answer(&self, deed: &Deed) -> Result<Answer, Answer> {
        let nothing = |why| Answer::NothingHappened(why);
        let connected = timeout(Duration::from_millis(self.connect_timeout), self.connect(deed)).await;
        let late =
            |_| nothing(format!("no connection to {} within {}ms", self.place(), self.connect_timeout));
        let client = connected.map_err(late)?.map_err(nothing)?;
        deed.may_act()?;
        let patience = Duration::from_millis(self.timeout.saturating_add(PATIENCE_MS));
        match timeout(patience, self.execute(&client)).await {
            Ok(Ok(rows)) => Ok(self.judge(rows, deed.is_question)),
            Ok(Err(Broken::Before(why))) => Err(nothing(why)),
            Ok(Err(Broken::Within { error, complete })) => Err(self.failed(&error, complete)),
            Err(_) => {
                let late = format!("{} did not answer within {}ms", self.place(), self.timeout);
                Err(Answer::Unknown(late))
            }
        }
    }

    fn place(&self) -> String {
        format!("PostgreSQL at {}:{}", self.host, self.port)
    }

    async fn connect(&self, deed: &Deed) -> Result<Client, String> {
        let port: u16 = self.port.parse().map_err(|_| format!("`{}` is no port", self.port))?;
        let mut config = Config::new();
        config.user(&self.user).application_name(format!("baton {}", deed.origin));
        config.ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.dbname(self.database.as_deref().unwrap_or(&self.user));
        if let Some(password) = &self.password {
            config.password(password);
        }
        let unreachable = |error| format!("{} cannot be reached: {error}", self.place());
        if self.host.starts_with('/') {
            let socket = Path::new(&self.host).join(format!(".s.PGSQL.{port}"));
            let stream = UnixStream::connect(socket).await.map_err(unreachable)?;
            return self.greet(&config, stream, NoTls).await;
        }
        let stream = TcpStream::connect((self.host.as_str(), port)).await.map_err(unreachable)?;
        // A statement is one small write; waiting for more to come only delays it.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            Some(tls) => {
                let tls = ForPostgres { tls: tls.clone(), host: self.host.clone() };
                self.greet(&config, stream, tls).await
            }
            None => self.greet(&config, stream, NoTls).await,
        }
    }

    /// Logs in, and sees to it that the server ends by itself what takes too long or is asked for by nobody any more: a
    /// statement must not act long after its attempt is over.
    async fn greet<S, T>(&self, config: &Config, stream: S, tls: T) -> Result<Client, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: TlsConnect<S>,
        T::Stream: Send + 'static,
    {
        let refused = |error: Error| format!("{} lets nobody in: {}", self.place(), told(&error));
        let (client, connection) = config.connect_raw(stream, tls).await.map_err(refused)?;
        let version = connection.parameter("server_version").unwrap_or_default();
        let major: u32 = version.split(['.', ' ']).next().and_then(|major| major.parse().ok()).unwrap_or(0);
        // Its end shows as the end of the statement.
        tokio::spawn(async move { drop(connection.await) });
        let mut limits = format!("SET statement_timeout = {}", self.timeout);
        if major >= 14 {
            limits.push_str("; SET client_connection_check_interval = 1000");
        }
        client.batch_execute(&limits).await.map_err(refused)?;
        Ok(client)
    }

    async fn execute(&self, client: &Client) -> Result<Rows, Broken> {
        match self.args.is_empty() {
            true => self.execute_text(client).await,
            false => self.execute_prepared(client).await,
        }
    }

    /// One statement or several; the server answers in text, whatever the types.
    async fn execute_text(&self, client: &Client) -> Result<Rows, Broken> {
        let mut complete = 0;
        let within = |error, complete| Broken::Within { error, complete };
        let answers = client.simple_query_raw(&self.sql).await.map_err(|error| within(error, 0))?;
        let mut answers = std::pin::pin!(answers);
        let mut rows = Rows::default();
        while let Some(answer) = answers.next().await {
            match answer.map_err(|error| within(error, complete))? {
                SimpleQueryMessage::Row(row) => {
                    if rows.count == 0 {
                        let columns = row.columns().iter().enumerate();
                        let value = |index| row.get(index).map(str::to_owned);
                        rows.first =
                            columns.map(|(index, column)| (column.name().to_owned(), value(index))).collect();
                    }
                    rows.count += 1;
                }
                SimpleQueryMessage::RowDescription(_) => rows = Rows::default(),
                SimpleQueryMessage::CommandComplete(count) => {
                    complete += 1;
                    if rows.first.is_empty() {
                        rows.count = count;
                    }
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    /// One statement with values. What its answer's types are is known before it is executed.
    async fn execute_prepared(&self, client: &Client) -> Result<Rows, Broken> {
        let prepared = client.prepare(&self.sql).await;
        let refused =
            |error: Error| Broken::Before(format!("{} refuses the SQL: {}", self.place(), told(&error)));
        let statement = prepared.map_err(refused)?;
        let (wanted, given) = (statement.params().len(), self.args.len());
        if wanted != given {
            return Err(Broken::Before(format!("the SQL has {wanted} parameters, and `args` has {given}")));
        }
        if let Some(column) = statement.columns().iter().find(|column| !values::can_be_shown(column.type_()))
        {
            let (name, kind) = (column.name(), column.type_());
            let why = format!("the column `{name}` is of type {kind}; make text of it, as in `{name}::text`");
            return Err(Broken::Before(why));
        }
        let args: Vec<_> = self.args.iter().map(|arg| values::Written(arg)).collect();
        let answered = client.query_raw(&statement, args).await;
        let within = |error| Broken::Within { error, complete: 0 };
        let mut answers = std::pin::pin!(answered.map_err(within)?);
        let mut rows = Rows::default();
        while let Some(row) = answers.next().await {
            let row = row.map_err(within)?;
            if rows.count == 0 {
                let columns = row.columns().iter().enumerate();
                let value = |index| row.try_get::<_, Option<values::Shown>>(index).ok().flatten();
                rows.first = columns
                    .map(|(index, column)| (column.name().to_owned(), value(index).map(|shown| shown.0)))
                    .collect();
            }
            rows.count += 1;
        }
        rows.count = answers.rows_affected().unwrap_or(rows.count);
        Ok(rows)
    }

    fn judge(&self, rows: Rows, is_question: bool) -> Answer {
        let answered = rows.first.first().and_then(|(_, value)| value.clone());
        let wanted = match (&self.expect, is_question) {
            (Some(wanted), _) => Some(wanted.as_str()),
            (None, true) => Some("t"),
            (None, false) => None,
        };
        if let Some(wanted) = wanted
            && answered.as_deref() != Some(wanted)
        {
            let answered = answered.map_or("nothing".to_owned(), |answered| format!("`{answered}`"));
            return Answer::Failed(format!("the SQL answered {answered}, not `{wanted}`"));
        }
        let values = rows.first.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let outputs: Vec<_> = values.chain([("rows".to_owned(), rows.count.to_string())]).collect();
        let text = outputs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        Answer::Done(Said { outputs, text })
    }

    fn failed(&self, error: &Error, complete: usize) -> Answer {
        let Some(state) = error.code() else {
            return Answer::Unknown(format!("{} was lost: {}", self.place(), told(error)));
        };
        let code = state.code();
        if self.already.iter().any(|already| already == code) {
            return Answer::already();
        }
        let why = format!("{}: {} (SQLSTATE {code})", self.place(), told(error));
        match meaning(state) {
            Meaning::RolledBack if complete == 0 => Answer::NothingHappened(why),
            Meaning::Unknown => Answer::Unknown(why),
            Meaning::RolledBack | Meaning::Failed => Answer::Failed(why),
        }
    }
}

/// What an SQLSTATE says of the first statement that was not complete.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    RolledBack,
    Failed,
    Unknown,
}

fn meaning(state: &SqlState) -> Meaning {
    let code = state.code();
    match code {
        "40003" => Meaning::Unknown,
        // It was never executed: the server could not read it, does not know what it names, or may not write.
        _ if code.starts_with("40") || code.starts_with("42") || code == "25006" => Meaning::RolledBack,
        // A function may have done for good what it was cut short in, such as a promotion that it waited for.
        "57014" => Meaning::Unknown,
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") => Meaning::Unknown,
        _ if code.starts_with("XX") => Meaning::Unknown,
        _ => Meaning::Failed,
    }
}

/// The server's own words where there are some.
fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_sqlstate_has_its_meaning() {
        let table = [
            ("40001", Meaning::RolledBack, "serialization failure"),
            ("40P01", Meaning::RolledBack, "deadlock"),
            ("40003", Meaning::Unknown, "statement completion unknown"),
            ("42P01", Meaning::RolledBack, "no such table"),
            ("25006", Meaning::RolledBack, "a standby"),
            ("23505", Meaning::Failed, "unique violation"),
            ("55000", Meaning::Failed, "recovery is not in progress"),
            ("57014", Meaning::Unknown, "canceled"),
            ("57P01", Meaning::Unknown, "the server is stopped"),
            ("08006", Meaning::Unknown, "connection failure"),
            ("58030", Meaning::Unknown, "disk"),
            ("XX000", Meaning::Unknown, "defect"),
        ];
        for (code, expected, what) in table {
            assert_eq!(meaning(&SqlState::from_code(code)), expected, "{code}: {what}");
        }
    }
}
