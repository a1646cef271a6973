"""What travels on the wire: bytes in, events out, events in, bytes out.

    http11/, http2/    requests and responses
    handshake.py       what a proxy is told, and answers, before a tunnel is open
    tunnel.py          that of HTTP proxies: CONNECT
    socks5.py          that of SOCKS5 proxies
    socks4.py          that of SOCKS4 and SOCKS4a proxies
    socks_address.py   how SOCKS writes the host that is to be reached

Pure: nothing here knows a socket, a clock, a lock or a pool, and nothing waits.
"""
