#!/usr/bin/python3
"""The shop's customers, and who watches both regions.

client.py orders NET LOG    finds the shop by its name every 250 ms, sends a numbered order about every 50 ms, and logs each answer:
                            NUMBER SENT ANSWERED STATUS REGION (seconds; status 200 is an acknowledged order, 0 no answer)
client.py watch NET LOG     asks both databases, again and again, who may be written to: BEGUN ENDED EAST WEST EAST-AGAIN
"""
import http.client
import itertools
import socket
import struct
import sys
import threading
import time

WHAT, NET, LOG = sys.argv[1:4]
NAME = "app.shop.test"
lock = threading.Lock()
log = open(LOG, "a", buffering=1)


def write(*words):
    with lock:
        print(*words, file=log)


def look_up():
    """One question to the zone's own server."""
    name = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        asker.sendto(struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1), (f"{NET}.3.53", 5353))
        answer = asker.recv(512)
    return socket.inet_ntoa(answer[-4:]) if struct.unpack(">6H", answer[:12])[3] else None


def order(number, address):
    sent, status, region = time.time(), 0, "-"
    connection = http.client.HTTPConnection(address, 8000, timeout=2)
    try:
        connection.request("POST", f"/order/{number}")
        response = connection.getresponse()
        words = response.read().decode(errors="replace").split()
        status = response.status
        region = words[1] if status == 200 else "-"
    except OSError:
        pass
    except http.client.HTTPException:
        pass
    finally:
        connection.close()
    write(number, f"{sent:.4f}", f"{time.time():.4f}", status, region)


def orders():
    address, found_at = None, 0.0
    for number in itertools.count(1):
        if time.time() - found_at > 0.25:
            try:
                address, found_at = look_up() or address, time.time()
            except OSError:
                pass
        if address:
            threading.Thread(target=order, args=(number, address), daemon=True).start()
        time.sleep(0.05)


def watch():
    import psycopg2

    known = {}

    def writable(host):
        try:
            if host not in known:
                known[host] = psycopg2.connect(host=host, port=5501, user="postgres", dbname="shop", connect_timeout=1)
                known[host].autocommit = True
            with known[host].cursor() as cursor:
                cursor.execute("SELECT pg_is_in_recovery()")
                return "standby" if cursor.fetchone()[0] else "primary"
        except psycopg2.Error:
            known.pop(host, None)
            return "down"

    east, west = f"{NET}.1.10", f"{NET}.2.10"
    while True:
        begun = time.time()
        seen = [writable(east), writable(west), writable(east)]
        write(f"{begun:.4f}", f"{time.time():.4f}", *seen)
        time.sleep(0.02)


{"orders": orders, "watch": watch}[WHAT]()
