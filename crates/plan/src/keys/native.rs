//! What an agent does itself, without a program of yours. As a probe, and as what a `wait` asks, each is a question that
//! changes nothing.

use super::Shape::{ByName, Duration, Flag, Json, ListOf, Secret, Template, Text, Whole, Word};
use super::{Key, Object, Shape, key, required};

pub(super) const HTTP_KEY: Key =
    key("http", Shape::Object(&HTTP), "An HTTP request, made by an agent of the region.");
pub(super) const POSTGRES_KEY: Key =
    key("postgres", Shape::Object(&POSTGRES), "SQL, on a connection of its own from an agent of the region.");
pub(super) const DNS_KEY: Key = key(
    "dns",
    Shape::Object(&DNS),
    "Records of a name are replaced at its zone's primary name server (RFC 2136); with `from` only if they are still what is expected.",
);
pub(super) const HAPROXY_KEY: Key =
    key("haproxy", Shape::Object(&HAPROXY), "The state of servers of an HAProxy, by its runtime API.");

pub(crate) static HTTP: Object = Object {
    name: "an http action",
    doc: "One request; redirects are not followed. A connection that cannot be made says that nothing happened; silence after the request was sent leaves the outcome unknown. As a question: a status of `expect`, with all of `where`, says yes; one of `absent`, or a `where` that does not hold, says no.",
    keys: &[
        required("url", Template, "`http://…` or `https://…`."),
        key("method", Word(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]), "The method. Default: GET."),
        key("headers", ByName(&Secret), "Headers by name."),
        key("body", Secret, "The body, as text."),
        key("json", Json, "The body, as JSON; references are filled in in its texts."),
        key("expect", ListOf(&STATUS), "Statuses that say that it is done. Default: 200 to 299."),
        key(
            "already",
            ListOf(&STATUS),
            "Statuses that say that it was done before, such as 409; the step succeeds with the output `already`.",
        ),
        key("noEffect", ListOf(&STATUS), "Statuses that say that nothing happened, such as 429 or 503."),
        key("absent", ListOf(&STATUS), "As a question: statuses that say no. Default: 404."),
        key(
            "where",
            ByName(&Template),
            "What the answer's JSON must hold: texts by JSON pointer, such as `/status: ready`.",
        ),
        key(
            "outputs",
            ByName(&Text),
            "Outputs by name, each a JSON pointer into the answer, such as `/id`, or `header:NAME`. `status` is always one.",
        ),
        key("idempotencyKey", Text, "The header that carries BATON_REQUEST_ID, the same for every attempt."),
        key("tokenHeader", Text, "The header that carries BATON_TOKEN, the fencing token."),
        key(
            "mayFail",
            Flag,
            "A message that nobody waits for: the action is done whatever becomes of it, and its output `delivered` says whether it arrived. Default: false.",
        ),
        key("timeout", Duration, "How long the whole request may take. Default: 30s."),
        key("tls", Shape::Object(&TLS), "How the server of an `https` address is known."),
    ],
};

static STATUS: Shape = Whole(100, 599);

pub(crate) static TLS: Object = Object {
    name: "tls",
    doc: "How the server is known: by an authority that the agent's host trusts, or by one of your own.",
    keys: &[key("ca", Template, "A PEM file on the agent's host: the certificates of your own authority.")],
};

pub(crate) static POSTGRES: Object = Object {
    name: "a postgres action",
    doc: "The columns of the first row become outputs, and `rows` counts them. A connection that cannot be made, a deadlock and a serialization failure say that nothing happened; a connection that is lost leaves the outcome unknown. As a question: the first column of the first row says it, true or false; no row says no.",
    keys: &[
        required("host", Template, "A name, an address, or the directory of a Unix socket."),
        key("port", Template, "The port. Default: 5432."),
        key("database", Template, "The database. Default: the user's name."),
        required("user", Template, "The role."),
        key("password", Secret, "Its password; best `{secret: env:NAME}`."),
        required(
            "sql",
            Text,
            "What is executed, passed on untouched. Several statements are one transaction, unless they say otherwise.",
        ),
        key(
            "args",
            ListOf(&Secret),
            "The values of `$1`, `$2` and so on, of one statement; references are filled in.",
        ),
        key(
            "already",
            ListOf(&Text),
            "SQLSTATEs that say that it was done before, such as \"42710\"; the step succeeds with the output `already`.",
        ),
        key(
            "expect",
            Template,
            "What the first column of the first row must be, such as `t`; else the action has failed.",
        ),
        key("connectTimeout", Duration, "How long the connection may take to be made. Default: 10s."),
        key("timeout", Duration, "How long the SQL may take; later its outcome is unknown. Default: 1m."),
        key(
            "tls",
            Shape::Object(&TLS),
            "TLS is demanded, and the server is known by this. Default: no TLS. `{}` trusts what the agent's host trusts.",
        ),
    ],
};

pub(crate) static DNS: Object = Object {
    name: "a dns action",
    doc: "An answer that does not come leaves the outcome unknown, and the name server is asked what it has. An expectation that does not hold is asked after as well: what is already as wanted is done. It is its own probe. As a question: do the records say `to`?",
    keys: &[
        required("server", Template, "The zone's primary name server, `HOST:PORT`, or `HOST` with port 53."),
        required("zone", Template, "The zone, such as `shop.test`."),
        required("name", Template, "The whole name of the records, such as `app.shop.test`."),
        key("type", Word(&["A", "AAAA", "CNAME", "TXT"]), "Their type. Default: A."),
        required("to", ListOf(&Template), "What the records are to be."),
        key(
            "from",
            ListOf(&Template),
            "What they must be before (compare and set); `[]`: there must be none. Default: anything.",
        ),
        key("ttl", Whole(0, 604_800), "Their time to live, seconds. Default: 60."),
        key("tsig", Shape::Object(&TSIG), "The key that signs the update. Default: none."),
        key("timeout", Duration, "How long an answer may take. Default: 5s."),
    ],
};

pub(crate) static TSIG: Object = Object {
    name: "tsig",
    doc: "The key that signs an update (RFC 8945).",
    keys: &[
        required("name", Template, "The key's name."),
        key(
            "algorithm",
            Word(&["hmac-sha256", "hmac-sha384", "hmac-sha512"]),
            "How it signs. Default: hmac-sha256.",
        ),
        required("key", Secret, "The key in base64; best `{secret: env:NAME}`."),
    ],
};

pub(crate) static HAPROXY: Object = Object {
    name: "a haproxy action",
    doc: "Setting a state twice is setting it once. It is its own probe. As a question: are the servers in the state? `up` and `down`, which HAProxy finds out by its checks, can only be asked for.",
    keys: &[
        required("socket", Template, "The stats socket: a path, or `HOST:PORT`."),
        required("servers", ListOf(&Template), "The servers, each `BACKEND/SERVER`."),
        required(
            "state",
            Word(&["ready", "drain", "maint", "up", "down"]),
            "`ready` takes traffic, `drain` takes no new sessions, `maint` takes nothing and is not checked.",
        ),
        key("cutSessions", Flag, "Ends the servers' sessions after the change. Default: false."),
        key("timeout", Duration, "How long each answer may take. Default: 5s."),
    ],
};

pub(crate) static SECRET_COMMAND: Object = Object {
    name: "a command with secrets",
    doc: "A process that finds secrets in its environment.",
    keys: &[
        required("run", Shape::Command, "A shell string or an argument list."),
        key(
            "secrets",
            ByName(&Template),
            "Variables of the process, each with where its value is read at the moment of use, on the agent's host: `env:NAME` or `file:PATH`. The values are masked in all that the process says.",
        ),
    ],
};
