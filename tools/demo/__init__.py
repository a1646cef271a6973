"""Every backend and protocol of the project at work: `python -m tools.demo`.

It needs no network: embedded servers and proxies answer on the loopback.

    cases         the table of what is shown; what a later package adds goes here
    exchange      what each case sends, and what has to come back
    blocking      cases of blocking code
    asynchronous  cases of async code
    server        the embedded server of HTTP/1.1
    http2_server  that of HTTP/2
    proxy         the embedded proxies
    timeline      when things happened, as the `trace` extension tells it
    report        the table that is printed
"""
