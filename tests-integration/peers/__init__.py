"""The servers that the product is tested against, and what tests need to run them.

    scripted.py      a raw socket that plays a script: every accident on the wire
    starting.py      the fixture that starts those
    messages.py      requests as they arrived, replies as they go out
    blackhole.py     addresses that never answer
    nginx.py         a real server of static files
    nghttpd.py       a real server of static files that speaks HTTP/2 only
    hypercorn.py     a real server of the ASGI application in asgi_app.py
    squid.py         a real HTTP proxy: open, with a password, and over TLS
    tinyproxy.py     a real HTTP proxy: open, and with a password
    dante.py         a real SOCKS server: open, and with a password
    certificates.py  an authority of our own, for all of them
    processes.py     starting servers in processes of their own
    ports.py         ports for servers that open theirs by themselves
    programs.py      where the servers' programs are
    deadlines.py     waiting for other threads, never for ever
    workers.py       threads whose outcome is asked for

Everything listens on loopback, on ports that the system chose.
"""
