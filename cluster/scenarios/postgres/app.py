#!/usr/bin/python3
"""The shop of one region: orders in, each acknowledged once it is committed in the region's database.

app.py REGION HOST PORT DATABASE-HOST DATABASE-PORT
GET /ready answers 200 only where the database is the primary, so that health is role; POST /order/N writes order N.
"""
import http.server
import queue
import sys
import threading
import time

import psycopg2

REGION, HOST, PORT, DB_HOST, DB_PORT = sys.argv[1:6]
IDLE = queue.LifoQueue()


def connect():
    connection = psycopg2.connect(
        host=DB_HOST, port=DB_PORT, user="postgres", dbname="shop", connect_timeout=2,
        application_name=f"shop-{REGION}", options="-c statement_timeout=2000")
    connection.autocommit = True
    return connection


def ask(statement, values=()):
    """One statement on a connection that is at hand. What fails is given up with its connection."""
    try:
        connection = IDLE.get_nowait()
    except queue.Empty:
        connection = connect()
    try:
        del connection.notices[:]
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall()
        # A commit whose wait for the standby was canceled stands here alone, and answers as if all were well.
        if any("synchronous replication" in notice for notice in connection.notices):
            raise RuntimeError("committed here only: " + connection.notices[0].strip())
    except BaseException:
        connection.close()
        raise
    IDLE.put(connection)
    return rows


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(lambda: "ready" if not ask("SELECT pg_is_in_recovery()")[0][0] else None)

    def do_POST(self):
        number = int(self.path.rsplit("/", 1)[1])
        insert = "INSERT INTO orders (number, region) VALUES (%s, %s) RETURNING number"
        self.reply(lambda: f"{ask(insert, (number, REGION))[0][0]} {REGION}")

    def reply(self, answer):
        try:
            text = answer()
            status = 200 if text else 503
        except Exception as error:  # whatever it was, the customer is told that it is not known to have worked
            text, status = str(error).strip().splitlines()[0] if str(error).strip() else repr(error), 503
        body = f"{text or 'not here'}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


def beat():
    """Where this region is primary: once a second, what it knew of itself, for the other region to find."""
    statement = """
        INSERT INTO heartbeat SELECT %s, clock_timestamp(), pg_current_wal_lsn(),
          current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') IN ('on', 'remote_apply')
          AND EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
        WHERE NOT pg_is_in_recovery()
        ON CONFLICT (region) DO UPDATE SET at = excluded.at, lsn = excluded.lsn, sync = excluded.sync RETURNING 1"""
    while True:
        try:
            ask(statement, (REGION,))
        except Exception:  # a standby, or nobody there: the next beat will tell
            pass
        time.sleep(0.5)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


if PORT == "8081":
    threading.Thread(target=beat, daemon=True).start()
Server((HOST, int(PORT)), Shop).serve_forever()
