"""Everything that waits, written once, as coroutines.

Async code awaits them; blocking code steps them to their end, over a backend that
never suspends (`_bridge.py`). Therefore: no async library is imported here, no
thread is put to sleep, no async generator is written, and a lock is held around
calls into the pure state only, never across an await.

    colour.py      what differs between blocking and async callers
    timeouts.py    how long each operation may take
    trace.py       who is told what is being done
    ending.py      how a response ends, and how that is told
    exchange.py    a request and its response over HTTP/1.1
    http11.py      exchanges on one HTTP/1.1 connection, one after the other
    upload.py      a request on its way out, with an eye on what comes back
    traffic.py     who reads and writes the frames of HTTP/2 that many share
    http2.py       one HTTP/2 connection and the requests that share it
    http2_exchange.py http2_upload.py   the twins of exchange.py and upload.py
    http2_tunnel.py   a stream of HTTP/2 that carries bytes
    upgraded.py    a connection that has changed its protocol
    connection.py  a connection, from the name of its origin on
    lease.py       what a request holds of a pool
    closing.py     closing what is doomed
    pool.py        connections that are shared
"""
